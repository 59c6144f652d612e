"""The tables. The database restates the rules: checks for the words, one open attempt a delivery, no edited log."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from dispatcher.domain.lifecycle import CLAIMABLE
from dispatcher.domain.words import Asked, Kind, Role, RouteState, Stage, State

from .column_types import Instant, Json, a_text, metadata, one_of
from .schema_incoming import incoming, mailbox

__all__ = ["incoming", "mailbox", "metadata"]

contact = Table(
    "contact",
    metadata,
    Column("id", Text, primary_key=True),
    Column("data", Json, nullable=False),  # the Contact as its fields
    Column("active", Boolean, nullable=False),  # no longer in the files: kept, not written to
    Column("imported_at", Instant, nullable=False),
    a_text("source"),  # file:line it came from
)

address = Table(
    "address",
    metadata,
    Column("contact_id", ForeignKey("contact.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("value", Text, nullable=False),
    one_of("kind", Kind),
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
    a_text("undone_by"),
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
    a_text("reason"),
    Column("before", Json),  # {"data": …, "active": …, "source": …}; null: there was none
    Column("after", Json),
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    a_text("sender_name"),
    a_text("sender_email"),
    a_text("plan"),  # sha256 of the frozen plan in the archive: what will happen, whole
    a_text("prepared_by"),
    Column("prepared_at", Instant),
    a_text("approved_plan"),  # the plan that was signed last; the signature stands while `approved_at` does
    a_text("approved_by"),
    Column("approved_at", Instant),  # null: never signed, or void since
    Column("confirmed", Json),  # what the approver confirmed besides: [[code, place, digest of what was seen], …]
    Column("launched_at", Instant),
    Column("paused_at", Instant),
    Column("stopped_at", Instant),
    Column("hours", Json),  # [opens, closes, days] in the recipient's own time, or null
    Column("steps", Json, nullable=False),  # [[number, after], …]
    Column("proof_after", Integer, nullable=False),
    Column("limits", Json),  # what it says for itself, see domain.limits.OwnLimits; null: nothing
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
    a_text("occurrence"),  # of which time of a campaign that repeats, by its local key
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
    a_text("lane"),  # what it shares with others, see domain.limits.lane
    Column("role", Text, nullable=False),
    Column("recipient", Text, nullable=False),  # the name on the envelope, as approved
    Column("zone", Text, nullable=False),  # the recipient's time zone, as approved
    a_text("calendar"),  # digest of the recipient's closed days, as approved; '': Saturdays and Sundays alone
    a_text("occurrence"),  # of which time of a campaign that repeats, by its local key
    Column("letter", ForeignKey("letter.digest"), nullable=False),
    Column("message_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    a_text("cause"),
    a_text("detail"),
    Column("not_before", Instant, nullable=False),  # the approved hour: held and released, it never leaves earlier
    Column("due", Instant),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    a_text("channel"),  # of the latest attempt: whom to ask
    Column("knowingly", Boolean, nullable=False),
    a_text("fallback_for"),
    Column("accepted_at", Instant),
    Column("arrived_at", Instant),
    Column("expires_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column(
        "snoozed_until",
        Instant,
        CheckConstraint(
            "snoozed_until IS NULL OR state IN ('failed', 'held')", name="only_what_needs_a_person_is_put_aside"
        ),
    ),
    a_text("instead_of"),  # the delivery of the same letter whose place it took
    one_of("kind", Kind),
    one_of("role", Role),
    one_of("state", State),
    CheckConstraint("state <> 'sending' OR due IS NOT NULL", name="a_lease_ends"),
    CheckConstraint("state NOT IN ('failed', 'cancelled', 'held') OR due IS NULL", name="a_person_is_not_due"),
    CheckConstraint("(arrived_at IS NOT NULL) = (state IN ('delivered', 'presumed'))", name="arrived_has_its_time"),
)
_words = ", ".join(f"'{state}'" for state in sorted(CLAIMABLE))
_FALLBACK = "fallback_for <> ''"
_INSTEAD = "instead_of <> ''"
#: Said as literal SQL, so that a query with the same words is seen to match the partial index.
CLAIMABLE_ROWS = text(f"state IN ({_words})")
#: Two partial indexes over the one column `due`: claims go campaign by campaign, so that none crowds out another;
#: everything else that is due is one list.
Index(
    "ix_delivery_claim",
    delivery.c.campaign_id,
    delivery.c.due,
    delivery.c.id,  # in the order of a claim, and with all that it asks: what waits for its turn is passed over fast
    delivery.c.kind,
    delivery.c.lane,
    sqlite_where=CLAIMABLE_ROWS,
    postgresql_where=CLAIMABLE_ROWS,
)
WATCHED_ROWS = text(f"state NOT IN ({_words}) AND due IS NOT NULL")
Index("ix_delivery_watch", delivery.c.due, sqlite_where=WATCHED_ROWS, postgresql_where=WATCHED_ROWS)
Index("ix_delivery_contact", delivery.c.campaign_id, delivery.c.contact_id, delivery.c.step)
Index("ix_delivery_fallback", delivery.c.fallback_for, sqlite_where=text(_FALLBACK), postgresql_where=text(_FALLBACK))
Index("ix_delivery_instead", delivery.c.instead_of, sqlite_where=text(_INSTEAD), postgresql_where=text(_INSTEAD))
Index("ix_delivery_recipient", delivery.c.contact_id, delivery.c.state)
Index("ix_delivery_address", delivery.c.kind, delivery.c.address)
Index("ix_delivery_state", delivery.c.state, delivery.c.cause)
CALLING_ROWS = text(f"state = '{State.SENDING}' AND kind = '{Kind.FAX}'")
Index("ix_delivery_calling", delivery.c.address, sqlite_where=CALLING_ROWS, postgresql_where=CALLING_ROWS)
#: Faxes that the gateway took, or may have taken, and that it may be calling for still.
TAKEN_ROWS = text(f"kind = '{Kind.FAX}' AND state IN ('{State.ACCEPTED}', '{State.IN_DOUBT}')")
Index("ix_delivery_taken", delivery.c.changed_at, sqlite_where=TAKEN_ROWS, postgresql_where=TAKEN_ROWS)

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
    a_text("verdict"),
    a_text("cause"),
    a_text("detail"),
    a_text("ref"),
    Column("pages", Integer),
    a_text("sent_digest"),
    Column("facts", Json, nullable=False),
    Column("knowingly", Boolean, nullable=False),
    a_text("campaign_id"),  # with the three below: what limits are counted by, without a look at the delivery
    a_text("lane"),
    a_text("via"),  # the relay or line that it was given
    Column("cost", BigInteger, nullable=False, server_default="0"),  # in ten-thousandths; of a fax
    a_text("currency"),
    one_of("stage", Stage),
    CheckConstraint("(stage = 'closed') = (closed_at IS NOT NULL)", name="closed_has_its_time"),
    CheckConstraint("stage <> 'transmitting' OR transmitting_at IS NOT NULL", name="transmitting_has_its_time"),
    UniqueConstraint("delivery_id", "fence"),
)
_open = text(f"stage <> '{Stage.CLOSED}'")
Index("uq_attempt_one_open", attempt.c.delivery_id, unique=True, sqlite_where=_open, postgresql_where=_open)
Index("ix_attempt_lane", attempt.c.lane, attempt.c.opened_at)
Index("ix_attempt_via", attempt.c.via, attempt.c.opened_at)
Index("ix_attempt_campaign", attempt.c.campaign_id, attempt.c.opened_at)
PAID_ROWS = text("cost > 0")
Index("ix_attempt_paid", attempt.c.opened_at, sqlite_where=PAID_ROWS, postgresql_where=PAID_ROWS)

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
    a_text("cause"),
    a_text("detail"),
    a_text("ref"),
    Column("pages", Integer),
    Column("facts", Json, nullable=False),
    a_text("raw_digest"),  # as received, in the archive
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
    a_text("note"),
    Index("ix_answer_contact", "campaign_id", "contact_id"),
)

suppression = Table(
    "suppression",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("by", Text, nullable=False),
    a_text("reason"),
    Column("until", Instant),  # then it is lifted; null: only a person lifts it
)

#: One letter of a group was tried first. The rest may follow when it went.
trial = Table(
    "trial",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("scope", Text, nullable=False, index=True),  # the filter of the group, as canonical JSON
    Column("delivery_id", ForeignKey("delivery.id"), nullable=False),
    Column("fence", Integer, nullable=False),  # of the delivery when it was chosen
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
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
    a_text("cause"),
    a_text("detail"),
    a_text("by"),  # who paused it
    one_of("state", RouteState),
)

#: Roads that have just been used as much as they may be, until when, and by which limit.
rest = Table(
    "rest",
    metadata,
    Column("name", Text, primary_key=True),  # a lane, or a relay or line
    Column("until", Instant, nullable=False),
    Column("by", Text, nullable=False),  # the limit in words: what another limit has set does not count any more
)

#: Whether anything is sent at all. No row, or one without `stopped_at`: yes.
sending = Table(
    "sending",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("stopped_at", Instant),
    a_text("by"),
    a_text("reason"),
    CheckConstraint("id = 1", name="there_is_one"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False, index=True),
    a_text("before"),
    a_text("after"),
    a_text("reason"),
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
    a_text("machine"),  # on which it was first used or last adopted; '' where that says nothing
    Column("home", Json, nullable=False),  # where the database lived then
    a_text("quarantine"),  # the quarantine's id; '' is none
    Column("why", Json, nullable=False),  # [[sign, words], …]
    a_text("adopted"),  # the id of the quarantine that was lifted last
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
    a_text("machine"),
    a_text("boot"),
    a_text("space"),
    Column("pid", Integer, nullable=False),
    Column("born", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("heartbeat_at", Instant, nullable=False),
    Column("ended_at", Instant),
    a_text("ending"),
    Column("held", Integer, nullable=False),
    Column("skew", BigInteger, nullable=False),
    Column("asked", Text, nullable=False),
    a_text("asked_by"),
    a_text("reason"),
    one_of("asked", Asked),
)
_there = text("ended_at IS NULL")
Index("uq_worker_name_there", worker.c.name, unique=True, sqlite_where=_there, postgresql_where=_there)
