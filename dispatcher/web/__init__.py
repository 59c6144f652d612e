"""The web's doors: parse, call one use case, show."""
