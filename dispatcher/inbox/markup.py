"""The words of an HTML part, in lines as a reader sees them; no more than that."""

from __future__ import annotations

from html.parser import HTMLParser

from .limits import MAX_TEXT

#: Elements that begin a line of their own.
_LINES = frozenset(
    {"address", "blockquote", "body", "br", "center", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6"}
    | {"hr", "html", "li", "ol", "p", "pre", "table", "tbody", "td", "th", "tr", "ul"}
)
_UNSEEN = frozenset({"head", "style", "script", "title"})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in ("body", "p", "div", "table") and self._unseen:
            self._unseen = 0  # a head that was never closed
        if tag in _LINES:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        if tag in _LINES:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            before, after = " " * data[:1].isspace(), " " * data[-1:].isspace()
            self.words.append(f"{before}{' '.join(data.split())}{after}")


def text_of(markup: str) -> str:
    """What a reader sees: a line for each block, no more than one empty line between two."""
    reader = _Reader()
    reader.feed(markup[: 4 * MAX_TEXT])
    reader.close()
    lines: list[str] = []
    for line in "".join(reader.words).replace("\u00a0", " ").split("\n"):
        tidy = " ".join(line.split())
        if tidy or (lines and lines[-1]):
            lines.append(tidy)
    return "\n".join(lines)
