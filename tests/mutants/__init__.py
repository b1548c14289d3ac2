"""What the tests do not notice: one change of the code at a time, `make mutants`."""
