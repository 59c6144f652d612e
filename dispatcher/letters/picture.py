"""Reads the picture of a signature and makes it fit for print and for fax. Lets nothing in that runs or reaches out.

Of an SVG, what draws is kept, what is not drawn is left out, and all else is refused; a PNG is flattened on white. Both
leave as a small SVG, once as it was drawn and once in pure black.
"""

from __future__ import annotations

import base64
import io
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree as ET

from PIL import Image, ImageColor, UnidentifiedImageError

from dispatcher.domain.errors import Problem, TemplateError

MAX_BYTES = 256 * 1024
MAX_DOTS = 4000  #: a side
MIN_DOTS = 200  #: across; fewer look like stairs on paper
_FINE = (1400, 700)  #: dots: 600 an inch at the size in which a signature is printed
_MAX_DEPTH = 32
#: Grey at and above this is paper, as on the fax itself.
_PAPER = 162
_SVG = "{http://www.w3.org/2000/svg}"
_DRAWS = frozenset(("svg", "g", "path", "line", "polyline", "polygon", "rect", "circle", "ellipse"))
_SILENT = frozenset(("title", "desc", "metadata"))
_PAINT = frozenset(("fill", "stroke"))
_OPACITY = frozenset(("opacity", "fill-opacity", "stroke-opacity"))
_LINE = frozenset(
    f"stroke-{name}" for name in ("width", "linecap", "linejoin", "miterlimit", "dasharray", "dashoffset")
)
_STYLE = _PAINT | _OPACITY | _LINE | {"fill-rule", "display", "visibility"}
_PLACE = frozenset(("x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "width", "height"))
_SHAPE = _PLACE | {"d", "points", "viewBox", "transform", "preserveAspectRatio"}
_CODE = "E_TPL_PICTURE"
_PLAIN = "Export it as plain SVG: lines alone, their colours as attributes"


@dataclass(frozen=True, slots=True)
class Picture:
    """A signature, ready to be set: two SVGs of the same lines."""

    print: str
    fax: str  #: in pure black


def read_picture(path: Path, place: str) -> Picture:
    """Raises TemplateError for a file that is missing, too large, or no fit picture; with every fault found."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError:
        way_out = f"Put {path.name} beside letterhead.toml, or take its entry out"
        raise TemplateError(Problem(place, "there is no such picture", way_out, _CODE)) from None
    if data is None:
        raise _unfit(place, f"is longer than {MAX_BYTES // 1024} KB", "Save it smaller: it is two fingers high")
    if path.suffix.lower() == ".svg":
        return _from_svg(data, place)
    if path.suffix.lower() == ".png":
        return _from_png(data, place)
    raise _unfit(place, "is neither an SVG nor a PNG", "Save it as .svg or .png")


def _unfit(place: str, cause: str, way_out: str) -> TemplateError:
    return TemplateError(Problem(place, cause, way_out, _CODE))


# -- SVG ---------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _from_svg(data: bytes, place: str) -> Picture:
    root = _parsed(data, place)
    if faults := sorted(set(_faults(root))):
        raise TemplateError([Problem(place, fault, _PLAIN, _CODE) for fault in faults])
    if not any(node.tag not in (f"{_SVG}svg", f"{_SVG}g") for node in _drawn(root)):
        raise _unfit(place, "draws nothing", "Save the signature's lines as paths")
    if not root.get("viewBox") and not (root.get("width") and root.get("height")):
        raise _unfit(place, "does not say its size", "Give the svg element a viewBox, or width and height")
    return Picture(_rebuilt(root, black=False), _rebuilt(root, black=True))


def _parsed(data: bytes, place: str) -> ET.Element:
    """The root element. A text with entities of its own is refused before it is read: they can grow without end."""
    try:
        text = data.decode("utf-8-sig")
        if "<!ENTITY" not in text and (root := ET.fromstring(text)).tag == f"{_SVG}svg":  # noqa: S314 – no entities
            return root
    except (UnicodeDecodeError, ET.ParseError):
        pass
    raise _unfit(place, "is not an SVG picture", "Open it in a drawing program and save it as plain SVG")


def _faults(root: ET.Element) -> Iterator[str]:
    waiting = [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _MAX_DEPTH:
            yield f"is nested deeper than {_MAX_DEPTH} groups"
            return
        yield from _node_faults(node)
        waiting += [(child, depth + 1) for child in node if _of_svg(child)]


def _of_svg(node: ET.Element) -> bool:
    """False for what draws nothing: a title, an empty `defs`, and what drawing programs note down for themselves."""
    name = str(node.tag).removeprefix(_SVG)
    empty = name == "defs" and not any(str(child.tag).startswith(_SVG) for child in node)
    return name != node.tag and name not in _SILENT and not empty


def _node_faults(node: ET.Element) -> Iterator[str]:
    name = str(node.tag).removeprefix(_SVG)
    if name not in _DRAWS:
        yield f"holds <{name}>, which is not a line"
    for value in _attributes(node).values():
        if "url(" in value:
            yield f"paints with {value.strip()}, which is no plain colour"
    for key in node.attrib:
        if key.lower().startswith("on"):
            yield f"holds a script ({key})"


def _drawn(root: ET.Element) -> Iterator[ET.Element]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [child for child in node if _of_svg(child)]


def _attributes(node: ET.Element) -> dict[str, str]:
    """What decides on the drawing; a style is taken apart and beats the attributes, as CSS has it."""
    pairs = (entry.partition(":")[::2] for entry in node.get("style", "").split(";"))
    style = {key.strip().lower(): value.strip() for key, value in pairs}
    plain = {key: value for key, value in node.attrib.items() if key in _SHAPE | _STYLE}
    return plain | {key: value.removesuffix("!important").strip() for key, value in style.items() if key in _STYLE}


def _rebuilt(root: ET.Element, *, black: bool) -> str:
    made = _copied(root, black=black)
    made.set("xmlns", _SVG[1:-1])
    return ET.tostring(made, encoding="unicode")


def _copied(node: ET.Element, *, black: bool) -> ET.Element:
    kept = _attributes(node)
    made = ET.Element(str(node.tag).removeprefix(_SVG), _blackened(kept) if black else kept)
    made.extend([_copied(child, black=black) for child in node if _of_svg(child)])
    return made


def _blackened(attributes: Mapping[str, str]) -> dict[str, str]:
    """Ink becomes black, paper white; what is nearly transparent vanishes, the rest is opaque."""
    return {key: _black(key, value) for key, value in attributes.items()}


def _black(key: str, value: str) -> str:
    if key in _OPACITY:
        return "1" if _number(value) > 1 - _PAPER / 255 else "0"
    if key in _PAINT and value not in ("none", "transparent", "inherit"):
        return "white" if _brightness(value) >= _PAPER else "black"
    return value


def _darkest(image: Image.Image) -> int:
    return next(level for level, dots in enumerate(image.convert("L").histogram()) if dots)


def _number(value: str) -> float:
    found = re.match(r"\s*([0-9.]+)\s*(%?)", value)
    return float(found.group(1)) / (100 if found.group(2) else 1) if found else 1.0


def _brightness(colour: str) -> int:
    """0 … 255; an unknown word is drawn as black would be."""
    try:
        return _darkest(Image.new("RGB", (1, 1), ImageColor.getrgb(colour)[:3]))
    except ValueError:
        return 0


# -- PNG ---------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _from_png(data: bytes, place: str) -> Picture:
    if faults := list(_png_faults(data)):
        raise TemplateError([Problem(place, *fault, _CODE) for fault in faults])
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            colour = _flat(image)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise _unfit(place, *_BROKEN) from None
    if _darkest(colour) >= _PAPER:
        raise _unfit(place, "is empty, or too pale for a fax", "Scan it darker: black ink on white paper")
    grey = colour.convert("L")
    return Picture(_wrapped(colour), _wrapped(grey.point([0] * _PAPER + [255] * (256 - _PAPER), "1")))


_BROKEN = ("is not a PNG picture", "Open it in a picture program and save it as PNG")


def _png_faults(data: bytes) -> Iterator[tuple[str, str]]:
    """By the first chunk alone (ISO 15948, 11.2.1): a small file can hold a picture that fills the memory."""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or len(data) < 24:
        yield _BROKEN
        return
    wide, high = struct.unpack_from(">II", data, 16)
    if max(wide, high) > MAX_DOTS:
        yield f"has {wide} × {high} dots", f"{MAX_DOTS} a side are allowed: save it smaller"
    if wide < MIN_DOTS:
        yield f"has {wide} × {high} dots", f"Scan it so that it is at least {MIN_DOTS} dots wide"


def _flat(image: Image.Image) -> Image.Image:
    """In plain RGB on white paper, no finer than it is printed, without whatever else the file holds."""
    over = image.convert("RGBA")
    paper = Image.new("RGBA", over.size, "white")
    paper.alpha_composite(over)
    flat = paper.convert("RGB")
    flat.thumbnail(_FINE, Image.Resampling.LANCZOS)
    return flat


def _wrapped(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    inner = base64.b64encode(file.getvalue()).decode()
    size = {"width": str(image.width), "height": str(image.height)}
    root = ET.Element("svg", {"xmlns": _SVG[1:-1], "xmlns:xlink": "http://www.w3.org/1999/xlink", **size})
    ET.SubElement(root, "image", {"xlink:href": f"data:image/png;base64,{inner}", **size})
    return ET.tostring(root, encoding="unicode")
