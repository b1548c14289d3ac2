"""The version of tdxwrap."""

__version__ = "0.1.0"
