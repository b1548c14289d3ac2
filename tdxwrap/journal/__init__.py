"""What is remembered: the journals of runs, and the parent segments last listed."""
