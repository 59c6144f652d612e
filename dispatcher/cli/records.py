"""The JSON form of a delivery, wherever the command line prints one. Its names are a public interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .output import utc

if TYPE_CHECKING:
    from dispatcher.domain.model import Delivery


def delivery_record(row: Delivery, attempts: int) -> dict[str, object]:
    """tests/unit/cli pins these names; `attempts` is how many tries were made, `channel` is email or fax."""
    return {
        "id": row.id,
        "campaign": row.campaign_id,
        "step": row.step,
        "contact": row.contact_id,
        "addressee": row.addressee_id,
        "role": row.role,
        "recipient": row.recipient,
        "channel": row.kind,
        "address": row.address,
        "state": row.state,
        "cause": row.cause,
        "detail": row.detail,
        "attempts": attempts,
        "message_id": row.message_id,
        "letter": row.letter,
        "occurrence": row.occurrence,
        "due": utc(row.due),
        "changed": utc(row.changed_at),
        "snoozed_until": utc(row.snoozed_until),
        "instead_of": row.instead_of,
    }
