"""The line finder for TOML, against texts in which a naive one would lose its way."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_files import CAMPAIGN

from dispatcher.intake.lines import find_lines

TEXT = '''# [not.a.header]
id = "x # no comment" # [nor.this]
a.b = """
[sender]
key = 1 "" """
literal = \'\'\'
[[cc]] # \'\'\'
[sender] # yes
"name" = 'it = [x'
[[cc]]
contact = "a"
[[cc]]
list = [
  "a", # one, two ]

  [1,
   2], { k = [1, 2] },
]
[[cc.deep]]
x = 1
[ channels . "by contact" ]
"ru-\\u0061" = "fax"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("id",), 2),
        (("a", "b"), 3),
        (("a",), 3),
        (("literal",), 6),
        (("sender",), 8),
        (("sender", "name"), 9),
        (("cc", 0), 10),
        (("cc", 0, "contact"), 11),
        (("cc", 1), 12),
        (("cc", 1, "list"), 13),
        (("cc", 1, "list", 0), 14),
        (("cc", 1, "list", 1), 16),
        (("cc", 1, "list", 2), 17),
        (("cc", 1, "deep", 0, "x"), 20),
        (("channels", "by contact"), 21),
        (("channels", "by contact", "ru-a"), 22),
        (("cc", 1, "list", 2, "k"), 17),  # inside an inline table: the nearest place with a line
        (("cc", 0, "missing"), 10),
        (("missing",), 1),
    ],
)
def test_every_key_is_found_on_its_line(path: tuple[str | int, ...], line: int) -> None:
    tomllib.loads(TEXT)
    assert find_lines(TEXT).of(*path) == line


def paths(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path}.union(*(paths(item, (*path, key)) for key, item in items))


def test_exactly_the_keys_that_tomllib_sees_are_found() -> None:
    assert set(find_lines(CAMPAIGN).by_path) | {()} == paths(tomllib.loads(CAMPAIGN))


@given(st.text(alphabet="ab=[]{}.,\"'#\\\n \t\r1", max_size=60))
def test_no_text_stops_the_finder(text: str) -> None:
    assert all(1 <= line <= text.count("\n") + 1 for line in find_lines(text).by_path.values())
