"""What tdxwrap costs, beside the shell recipe that it replaces: `make bench`."""
