"""What the tests of every package stand on: real servers, real processes, waiting without sleeping."""
