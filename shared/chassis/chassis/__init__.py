"""What every service stands on lives here, so that a service holds its own rules alone."""
