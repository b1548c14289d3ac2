"""What would be done: desired and live compared, without I/O."""
