"""Same order, same bytes: in another process, another time zone, with another seed of hashes."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from letterbook import Own

from dispatcher.letters import Order, Printer, Rendered, render_in_process
from dispatcher.resources import resource

_PROGRAM = """
import hashlib, pickle, sys
from dispatcher.letters import render_in_process
rendered = render_in_process(sys.argv[1], pickle.loads(bytes.fromhex(sys.argv[2])))
for name in sorted(rendered.parts):
    print(name, hashlib.sha256(rendered.parts[name]).hexdigest())
"""


def _digests(rendered: Rendered) -> str:
    return "".join(f"{n} {hashlib.sha256(rendered.parts[n]).hexdigest()}\n" for n in sorted(rendered.parts))


@pytest.mark.parametrize(
    ("zone", "seed", "locale"), [("Pacific/Kiritimati", "1", "C"), ("America/Anchorage", "77", "ru_RU.UTF-8")]
)
def test_another_process_gives_the_same_bytes(
    printer: Printer, order: Order, zone: str, seed: str, locale: str, tmp_path: Path
) -> None:
    environment = os.environ | {"TZ": zone, "PYTHONHASHSEED": seed, "LANG": locale, "LC_ALL": locale}
    root = str(resource("templates").parent)
    command = [sys.executable, "-c", _PROGRAM, str(resource("templates")), pickle.dumps(order).hex()]
    done = subprocess.run(
        command, env=environment | {"PYTHONPATH": root}, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == _digests(printer.render(order))


def test_letters_printed_before_leave_no_trace(printer: Printer, order: Order) -> None:
    first = printer.render(order).parts
    printer.render(replace(order, letter="briefing-invitation"))
    assert printer.render(order).parts == first


def test_a_pool_of_processes_can_print(printer: Printer, order: Order) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        rendered = pool.submit(render_in_process, str(resource("templates")), order).result()
    assert rendered.parts == printer.render(order).parts


def test_the_digest_of_the_inputs_changes_with_the_data_and_with_the_files(own: Own, order: Order) -> None:
    mine = replace(order, letter="own")
    before = own("One.").inputs_digest(mine)
    assert own("One.").inputs_digest(replace(mine, letter_date=mine.letter_date + timedelta(1))) != before
    assert own("Two.").inputs_digest(mine) != before
    assert own("One.").inputs_digest(mine) == before
