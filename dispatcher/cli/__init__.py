"""The command line's door: parse, call one use case, show. Data on standard output, talk on standard error."""

from .program import main

__all__ = ["main"]
