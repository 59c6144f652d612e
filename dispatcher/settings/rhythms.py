"""The settings `[retries.causes]`: how long to wait between two tries, by the cause that the first one met."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dispatcher.domain.schedule import RETRIES_BY_CAUSE
from dispatcher.domain.words import Cause

from .section import Section

#: Minutes; the length is the number of further tries.
Rhythm = Annotated[tuple[Annotated[float, Field(gt=0, le=43_200)], ...], Field(min_length=1, max_length=50)]


def _rhythm(cause: Cause) -> tuple[float, ...]:
    """As shipped."""
    return tuple(delay.total_seconds() / 60 for delay in RETRIES_BY_CAUSE[cause])


class EmailRhythms(Section):
    """Of what the recipient's server says."""

    greylisted: Rhythm = _rhythm(Cause.EMAIL_GREYLISTED)
    mailbox_full: Rhythm = _rhythm(Cause.EMAIL_MAILBOX_FULL)
    too_big: Rhythm = _rhythm(Cause.EMAIL_TOO_BIG)


class FaxRhythms(Section):
    """Of what a call, or the gateway, came to."""

    busy: Rhythm = _rhythm(Cause.FAX_BUSY)
    no_answer: Rhythm = _rhythm(Cause.FAX_NO_ANSWER)
    no_carrier_mid_page: Rhythm = _rhythm(Cause.FAX_NO_CARRIER_MID_PAGE)
    partial: Rhythm = _rhythm(Cause.FAX_PARTIAL)
    gateway_unreachable: Rhythm = _rhythm(Cause.FAX_GATEWAY_UNREACHABLE)


class Rhythms(Section):
    """Of each cause that has one of its own, by its code."""

    email: EmailRhythms = EmailRhythms()
    fax: FaxRhythms = FaxRhythms()

    def by_cause(self) -> dict[Cause, tuple[float, ...]]:
        """The same as a table."""
        return {Cause(f"{group}.{name}"): waits for group, section in self for name, waits in section}
