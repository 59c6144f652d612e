"""Dispatcher: formal letters by email and by fax, with proof of what became of each."""

__version__ = "0.1.0"
