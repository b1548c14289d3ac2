"""What is wanted: the YAML file as a typed configuration, and back."""
