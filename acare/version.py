"""The version of acare, in this one place."""

__version__ = "0.1.0"
