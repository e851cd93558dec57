"""The version of acare, defined only here."""

__version__ = "0.2.0"
