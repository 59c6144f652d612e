"""The words that the writer of a message put down, without those of the message that is answered."""

from __future__ import annotations

from .signs import quoted_at


def own_words(text: str) -> str:
    """What stands before the quoted message, and between quoted lines."""
    return "\n".join(line for line in text[: quoted_at(text)].split("\n") if not line.lstrip().startswith(">"))
