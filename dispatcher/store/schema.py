"""The tables. The database restates the rules: checks for the words, one open attempt a delivery, no edited log."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect

from dispatcher.domain.audit import canonical
from dispatcher.domain.lifecycle import CLAIMABLE
from dispatcher.domain.words import Asked, Kind, Role, RouteState, Stage, State

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """An aware instant as microseconds since 1970 UTC: the same order and the same precision on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Json(TypeDecorator[Any]):
    """A small JSON value as canonical text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def _one_of(name: str, words: type[State | Kind | Role | RouteState | Stage | Asked]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{name} IN ({listed})", name=name)


def _text(name: str, **more: Any) -> Column[str]:
    """Text is never null: what is missing is empty."""
    return Column(name, Text, nullable=False, server_default="", **more)


contact = Table(
    "contact",
    metadata,
    Column("id", Text, primary_key=True),
    Column("data", Json, nullable=False),  # the Contact as its fields
    Column("active", Boolean, nullable=False),  # no longer in the files: kept, not written to
    Column("imported_at", Instant, nullable=False),
    _text("source"),  # file:line it came from
)

address = Table(
    "address",
    metadata,
    Column("contact_id", ForeignKey("contact.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("value", Text, nullable=False),
    _one_of("kind", Kind),
    UniqueConstraint("kind", "value"),
)

contact_import = Table(
    "contact_import",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("files", Json, nullable=False),  # their names, as they were given
    Column("counts", Json, nullable=False),  # {"added": 3, …}
    Column("undone_at", Instant),
    _text("undone_by"),
)

#: What every contact was before and after each change: its history, and how an import is undone.
contact_change = Table(
    "contact_change",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("contact_id", Text, nullable=False, index=True),  # no foreign key: an undone contact leaves its history
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("import_number", ForeignKey("contact_import.number"), index=True),
    _text("reason"),
    Column("before", Json),  # {"data": …, "active": …, "source": …}; null: there was none
    Column("after", Json),
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    _text("sender_name"),
    _text("sender_email"),
    _text("plan"),  # sha256 of the frozen plan in the archive: what will happen, whole
    _text("prepared_by"),
    Column("prepared_at", Instant),
    _text("approved_plan"),  # the plan that was signed last; the signature stands while `approved_at` does
    _text("approved_by"),
    Column("approved_at", Instant),  # null: never signed, or void since
    Column("confirmed", Json),  # what the approver confirmed besides: [[code, place, digest of what was seen], …]
    Column("launched_at", Instant),
    Column("paused_at", Instant),
    Column("stopped_at", Instant),
    Column("hours", Json),  # [opens, closes, days] in the recipient's own time, or null
    Column("steps", Json, nullable=False),  # [[number, after], …]
    Column("proof_after", Integer, nullable=False),
)

occurrence = Table(
    "occurrence",
    metadata,
    Column("campaign_id", ForeignKey("campaign.id"), primary_key=True),
    Column(
        "local_key", Text, primary_key=True
    ),  # '2015-10-01T09:00 Europe/Zurich': the repeated hour is one occurrence
    Column("at", Instant, nullable=False),
)

letter = Table(
    "letter",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False, index=True),
    Column("step", Integer, nullable=False),
    Column("contact_id", ForeignKey("contact.id"), nullable=False),
    Column("subject", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("fax_pages", Integer, nullable=False),
    Column("objects", Json, nullable=False),
    _text("occurrence"),  # of which time of a campaign that repeats, by its local key
)

#: The closed days of recipients, as they stood when a plan was approved: what counts does not change afterwards.
calendar = Table(
    "calendar",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("data", Json, nullable=False),  # the Calendar as its fields
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Text, primary_key=True),
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("contact_id", ForeignKey("contact.id"), nullable=False),
    Column("addressee_id", ForeignKey("contact.id"), nullable=False),  # whose letter it is
    Column("kind", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("recipient", Text, nullable=False),  # the name on the envelope, as approved
    Column("zone", Text, nullable=False),  # the recipient's time zone, as approved
    _text("calendar"),  # digest of the recipient's closed days, as approved; '': Saturdays and Sundays alone
    _text("occurrence"),  # of which time of a campaign that repeats, by its local key
    Column("letter", ForeignKey("letter.digest"), nullable=False),
    Column("message_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    _text("cause"),
    _text("detail"),
    Column("not_before", Instant, nullable=False),  # the approved hour: held and released, it never leaves earlier
    Column("due", Instant),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    _text("channel"),  # of the latest attempt: whom to ask
    Column("knowingly", Boolean, nullable=False),
    _text("fallback_for"),
    Column("accepted_at", Instant),
    Column("arrived_at", Instant),
    Column("expires_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    _one_of("kind", Kind),
    _one_of("role", Role),
    _one_of("state", State),
    CheckConstraint("state <> 'sending' OR due IS NOT NULL", name="a_lease_ends"),
    CheckConstraint("state NOT IN ('failed', 'cancelled', 'held') OR due IS NULL", name="a_person_is_not_due"),
    CheckConstraint("(arrived_at IS NOT NULL) = (state IN ('delivered', 'presumed'))", name="arrived_has_its_time"),
)
_words = ", ".join(f"'{state}'" for state in sorted(CLAIMABLE))
_FALLBACK = "fallback_for <> ''"
#: Said as literal SQL, so that a query with the same words is seen to match the partial index.
CLAIMABLE_ROWS = text(f"state IN ({_words})")
#: Two partial indexes over the one column `due`: claims go campaign by campaign, so that none crowds out another;
#: everything else that is due is one list.
Index(
    "ix_delivery_claim",
    delivery.c.campaign_id,
    delivery.c.due,
    sqlite_where=CLAIMABLE_ROWS,
    postgresql_where=CLAIMABLE_ROWS,
)
WATCHED_ROWS = text(f"state NOT IN ({_words}) AND due IS NOT NULL")
Index("ix_delivery_watch", delivery.c.due, sqlite_where=WATCHED_ROWS, postgresql_where=WATCHED_ROWS)
Index("ix_delivery_contact", delivery.c.campaign_id, delivery.c.contact_id, delivery.c.step)
Index("ix_delivery_fallback", delivery.c.fallback_for, sqlite_where=text(_FALLBACK), postgresql_where=text(_FALLBACK))
Index("ix_delivery_recipient", delivery.c.contact_id, delivery.c.state)
Index("ix_delivery_address", delivery.c.kind, delivery.c.address)
Index("ix_delivery_state", delivery.c.state, delivery.c.cause)
CALLING_ROWS = text(f"state = '{State.SENDING}' AND kind = '{Kind.FAX}'")
Index("ix_delivery_calling", delivery.c.address, sqlite_where=CALLING_ROWS, postgresql_where=CALLING_ROWS)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Text, primary_key=True),
    Column("delivery_id", ForeignKey("delivery.id"), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("worker", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("transmitting_at", Instant),
    Column("closed_at", Instant),
    _text("verdict"),
    _text("cause"),
    _text("detail"),
    _text("ref"),
    Column("pages", Integer),
    _text("sent_digest"),
    Column("facts", Json, nullable=False),
    Column("knowingly", Boolean, nullable=False),
    _one_of("stage", Stage),
    CheckConstraint("(stage = 'closed') = (closed_at IS NOT NULL)", name="closed_has_its_time"),
    CheckConstraint("stage <> 'transmitting' OR transmitting_at IS NOT NULL", name="transmitting_has_its_time"),
    UniqueConstraint("delivery_id", "fence"),
)
_open = text(f"stage <> '{Stage.CLOSED}'")
Index("uq_attempt_one_open", attempt.c.delivery_id, unique=True, sqlite_where=_open, postgresql_where=_open)

evidence = Table(
    "evidence",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("delivery_id", ForeignKey("delivery.id"), nullable=False, index=True),
    Column("attempt_id", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("source", Text, nullable=False),  # who said it: 'channel:simulator', 'operator:ada'
    Column("event_id", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    _text("cause"),
    _text("detail"),
    _text("ref"),
    Column("pages", Integer),
    Column("facts", Json, nullable=False),
    _text("raw_digest"),  # as received, in the archive
    Column("applied", Boolean, nullable=False),  # did it move the delivery?
    UniqueConstraint("source", "event_id"),  # a report is taken once
)

answer = Table(
    "answer",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("contact_id", ForeignKey("contact.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("noted_by", Text, nullable=False),
    _text("note"),
    Index("ix_answer_contact", "campaign_id", "contact_id"),
)

suppression = Table(
    "suppression",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("by", Text, nullable=False),
    _text("reason"),
)

route = Table(
    "route",
    metadata,
    Column("name", Text, primary_key=True),  # a relay, a gateway, or a whole channel; without a row it is open
    Column("state", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant),  # the next look at a closed one, the next letter on trial; null: nothing by itself
    Column("faults", Integer, nullable=False),
    Column("looks", Integer, nullable=False),
    _text("cause"),
    _text("detail"),
    _text("by"),  # who paused it
    _one_of("state", RouteState),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False, index=True),
    _text("before"),
    _text("after"),
    _text("reason"),
    Column("data", Json, nullable=False),
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

#: What this installation is. One row, made at the first start; the same is noted outside, see usecases/guard.py.
installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("instance", Text, nullable=False),
    Column("epoch", Integer, nullable=False),  # how often it was adopted, from 1
    _text("machine"),  # on which it was first used or last adopted; '' where that says nothing
    Column("home", Json, nullable=False),  # where the database lived then
    _text("quarantine"),  # the quarantine's id; '' is none
    Column("why", Json, nullable=False),  # [[sign, words], …]
    _text("adopted"),  # the id of the quarantine that was lifted last
    Column("adopted_at", Instant),  # when what may have gone unseen was last held; null: never
    CheckConstraint("id = 1", name="there_is_one"),
)

#: The processes that send, one a row; see usecases/crew.py.
worker = Table(
    "worker",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("host", Text, nullable=False),
    _text("machine"),
    _text("boot"),
    _text("space"),
    Column("pid", Integer, nullable=False),
    Column("born", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("heartbeat_at", Instant, nullable=False),
    Column("ended_at", Instant),
    _text("ending"),
    Column("held", Integer, nullable=False),
    Column("skew", BigInteger, nullable=False),
    Column("asked", Text, nullable=False),
    _text("asked_by"),
    _text("reason"),
    _one_of("asked", Asked),
)
_there = text("ended_at IS NULL")
Index("uq_worker_name_there", worker.c.name, unique=True, sqlite_where=_there, postgresql_where=_there)
