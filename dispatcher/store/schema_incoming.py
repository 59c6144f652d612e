"""The table of messages that came in. The message itself lies in the archive, under the id of its row."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, text

from dispatcher.domain.words import Filing, Tie

from .column_types import Instant, Json, a_text, metadata, one_of

incoming = Table(
    "incoming",
    metadata,
    Column("id", Text, primary_key=True),  # sha256 of the message as it came: the same one is taken once
    Column("at", Instant, nullable=False),
    Column("way", Text, nullable=False),  # 'pipe', 'lmtp', 'maildir', 'imap'
    Column("envelope", Json, nullable=False),  # for whom it came, as the mail system said: [address, …]
    Column("size", BigInteger, nullable=False),
    Column("filing", Text, nullable=False),
    a_text("kind"),  # what it is; '' until it was read
    a_text("sender"),
    a_text("subject"),
    a_text("said"),  # what it says of the recipient, in short
    a_text("why"),  # why it is held, or what was done
    Column("delivery_id", ForeignKey("delivery.id"), index=True),  # null: it is tied to none
    a_text("attempt_id"),
    a_text("tie"),
    Column("score", Integer, nullable=False, server_default="0"),  # of a guess
    Column("reasons", Json, nullable=False),  # of a guess: [words, …]
    a_text("campaign_id"),  # of that delivery, with the one below: whose follow-ups it concerns
    a_text("addressee_id"),
    Column("away_until", Instant),  # of an automatic reply that states a day
    a_text("settled_by"),
    Column("settled_at", Instant),
    a_text("note"),
    one_of("filing", Filing),
    one_of("tie", Tie),
)
#: How far each folder on an IMAP server was read.
mailbox = Table(
    "mailbox",
    metadata,
    Column("name", Text, primary_key=True),  # 'user@host/folder'
    Column("validity", BigInteger, nullable=False),  # UIDVALIDITY: another one, and the folder was made anew
    Column("uid", BigInteger, nullable=False),
)
_UNREAD = text(f"filing = '{Filing.RECEIVED}'")
Index("ix_incoming_unread", incoming.c.at, sqlite_where=_UNREAD, postgresql_where=_UNREAD)
Index("ix_incoming_filing", incoming.c.filing, incoming.c.at)
Index("ix_incoming_thread", incoming.c.campaign_id, incoming.c.addressee_id)
