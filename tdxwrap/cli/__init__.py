"""What is typed: one module per command."""
