"""`dispatcher doctor`: is this installation fit to send, and if not, what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.domain.errors import DoctorFailed

from .output import Json, as_json, table
from .session import session_of

if TYPE_CHECKING:
    from dispatcher.usecases.checks import Check

_SIGNS = {"good": "✓ good", "note": "· note", "wrong": "✗ WRONG"}


def doctor(
    context: typer.Context,
    connect: Annotated[bool, typer.Option("--connect", help="Also try servers beyond this machine.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Also send one test page by each fax gateway; it may cost a call.")
    ] = False,
    to: Annotated[str, typer.Option("--to", help="With --live: a fax machine of your own, +41…")] = "",
    json: Json = False,
) -> None:
    """Look whether everything is fit to send. Changes nothing; ends with 6 when something is wrong.

    With --live and no --to only those gateways are tried that have a number for tests (Sinch: without a charge).
    """
    import asyncio

    from dispatcher.providers import knock_at_door, look_at_hylafax, look_over_http, newest_in_log
    from dispatcher.usecases.checks import Finding
    from dispatcher.usecases.doctor import examine

    config = session_of(context).config
    looks = examine(
        config,
        connect=connect,
        newest=newest_in_log,
        look=look_at_hylafax,
        over_http=look_over_http,
        knock=knock_at_door,
    )
    checks = asyncio.run(looks)
    if live:
        from dispatcher.app import try_live

        checks += asyncio.run(try_live(session_of(context).settings, to))
    wrong = sum(check.finding is Finding.WRONG for check in checks)
    _show(checks, wrong, json)
    if wrong:
        raise DoctorFailed(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong")


def _show(checks: list[Check], wrong: int, json: bool) -> None:
    if json:
        fields = [
            {"name": one.name, "finding": one.finding, "found": one.found, "fix": one.fix or None} for one in checks
        ]
        as_json(fit=not wrong, checks=fields)
    else:
        table(("check", "", "found", "what to do"), [(c.name, _SIGNS[c.finding], c.found, c.fix) for c in checks], "")
