"""The rules about clients, pure: what an address is, when two are the same, how one is found, what a year looked like."""
