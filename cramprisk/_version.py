"""The version of the code; the tables carry their own in ``data/VERSION``."""

__version__ = "0.1.0"
