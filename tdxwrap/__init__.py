"""tdxwrap: the realtime configuration of a parent segment, from a YAML file."""

__version__ = "0.1.0"
