"""The [limits] of a campaign file: fewer letters a day, and another gap to other letters, with its reason."""

from __future__ import annotations

from dispatcher.domain.limits import NOTHING_OWN, OwnLimits

from .sheet import Sheet

#: A gap of more than a year is a mistake.
_LONGEST_GAP = 8760


def read_limits(sheet: Sheet) -> OwnLimits:
    """What the campaign says for itself; nothing where it has no such lines."""
    sheet.allow("per_day", "courtesy_hours", "reason")
    if not sheet.values:
        return NOTHING_OWN
    hours = sheet.whole("courtesy_hours", 0, least=0, most=_LONGEST_GAP) if sheet.has("courtesy_hours") else None
    return OwnLimits(
        per_day=sheet.whole("per_day", 0, least=1, most=100_000),
        courtesy_hours=hours,
        reason=_read_reason(sheet),
    )


def _read_reason(sheet: Sheet) -> str:
    """Whoever comes closer to other letters than the office does says why, and whoever approves reads it."""
    reason = sheet.text("reason", 'Say why, as in reason = "agreed with the missions"', required=False)
    if sheet.has("courtesy_hours") and not reason.strip():
        cause = "limits.reason: the gap to other letters is changed, and nobody says why"
        sheet.fault("E_LIMITS_REASON", cause, 'Say why, as in reason = "agreed with the missions"', "courtesy_hours")
    return reason.strip()
