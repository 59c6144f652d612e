"""Says an estimate in words: what leaves, for how long it holds the line, what it costs, when one line is through."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from .output import local


def estimate_facts(campaign: Mapping[str, Any], zone: str) -> list[tuple[str, str]]:
    """The lines to show of a plan's campaign; what there is none of is left out."""
    found: Mapping[str, Any] = campaign["estimate"]
    if not found["faxes"]:
        return [("by email", _mails(found))]
    return [
        ("by email", _mails(found)),
        ("by fax", _faxes(found)),
        ("on the line", _minutes(found)),
        ("cost", _cost(found)),
        ("one line", _one_line(found, zone)),
    ]


def _mails(found: Mapping[str, Any]) -> str:
    if not found["mails"]:
        return ""
    return f"{_counted(found['mails'], 'mail')}, {found['mail_bytes'] / 1_000_000:.1f} MB"


def _faxes(found: Mapping[str, Any]) -> str:
    maybe = found["faxes_only_without_proof"]
    some = f"; {maybe} of them only where an email brings no proof" if maybe else ""
    return f"{_counted(found['faxes'], 'call')}, {_counted(found['fax_pages'], 'page')}{some}"


def _minutes(found: Mapping[str, Any]) -> str:
    low, high = (_tenths(one) for one in found["line_seconds"])
    return f"{low} to {high} minutes in all, without further tries" if low != high else f"{low} minutes in all"


def _tenths(seconds: int) -> str:
    return f"{seconds / 60:.1f}" if seconds < 600 else f"{seconds / 60:.0f}"


def _cost(found: Mapping[str, Any]) -> str:
    costs = [_money(one) for one in found["costs"]]
    unknown = found["without_tariff"]
    if unknown:
        shown = ", ".join(unknown[:3]) + (" …" if len(unknown) > 3 else "")
        costs.append(f"no tariff for {_counted(len(unknown), 'number')}: {shown} (see [[fax.tariffs]])")
    return "; ".join(costs)


def _money(cost: Mapping[str, str]) -> str:
    low, high = (f"{Decimal(cost[name]):.2f}" for name in ("low", "high"))
    return f"{cost['currency']} {low}" if low == high else f"{cost['currency']} {low} to {high}"


def _one_line(found: Mapping[str, Any], zone: str) -> str:
    if not found["one_line_from"]:
        return ""
    begins, ends = (local(datetime.fromisoformat(found[name]), zone) for name in ("one_line_from", "one_line_until"))
    return f"busy for {about(found['one_line_seconds'])}, from {begins} to {ends}"


def about(seconds: int) -> str:
    """'about 3 h 10', 'about 25 min': as people say how long something takes."""
    minutes = max(round(seconds / 60), 1)
    return f"about {minutes} min" if minutes < 60 else f"about {minutes // 60} h {minutes % 60:02}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
