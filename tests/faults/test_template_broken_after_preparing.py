"""Fault: somebody breaks the template, or a file of the archive, after the letter was prepared and approved.

A broken template harms nothing: what was approved is frozen. A harmed archive is found, and that letter is not sent.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from desk.desk import ADA, MEGAN, Desk, person

from dispatcher.domain.words import Cause, Policy, State
from dispatcher.letters import Order, Printer, Rendered
from dispatcher.resources import resource
from dispatcher.usecases import launch


def _own_templates(desk: Desk) -> Path:
    """The desk's own copy of the templates, which it renders from."""
    folder = desk.folder / "templates"
    shutil.copytree(resource("templates"), folder)

    async def render(order: Order) -> Rendered:
        return Printer(folder).render(order)

    desk.office = replace(desk.office, render=render)
    desk.worker.office = desk.office
    return folder


async def test_a_letter_leaves_as_it_was_approved_whatever_became_of_its_template(desk: Desk) -> None:
    templates = _own_templates(desk)
    prepared = await desk.prepare([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    entity = await desk.office.archive.get(prepared.plan.letters[0].objects["entity"])
    (templates / "letters" / "air-strikes" / "en.md").write_text("{{ broken", encoding="utf-8")
    await launch.approve(desk.office, "air-strikes", prepared.digest, MEGAN)
    await launch.launch(desk.office, "air-strikes", ADA, late=True)
    await desk.work()
    [taken] = desk.rogue.ledger
    assert entity.replace(b"\r\n", b"\n") in taken.message.replace(b"\r\n", b"\n")


async def test_a_letter_whose_frozen_bytes_changed_is_not_sent(desk: Desk) -> None:
    await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
    letter = (await desk.story((await desk.only()).id)).letter
    path = desk.office.archive.path(letter.objects["entity"])
    path.write_bytes(path.read_bytes().replace(b"Content-Type", b"Content-Typo", 1))
    await desk.work()
    failed = await desk.only()
    assert (failed.state, failed.cause) == (State.FAILED, Cause.CONTENT_INVALID)
    assert "has changed on the disk" in failed.detail
    assert desk.rogue.ledger == []
