"""Every closed vocabulary, one line of meaning a word. Nothing here decides; the tables beside it do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a letter travels."""

    EMAIL = "email"
    FAX = "fax"


class Role(StrEnum):
    """In which capacity somebody receives a letter."""

    TO = "to"  # the addressee
    CC = "cc"  # receives the same document for information


class Policy(StrEnum):
    """Which of a contact's addresses a step is sent to."""

    EMAIL = "email"
    FAX = "fax"
    BOTH = "both"
    FAX_IF_NO_PROOF = "fax_if_no_proof"  # email first; fax when no proof came in time or the email failed


class Days(StrEnum):
    """On which days of the recipient's calendar letters may leave."""

    WORKING = "working"  # not at weekends, on holidays and on national days
    EVERY = "every"  # on all days, within the hours


class Form(StrEnum):
    """The office that decides how somebody is addressed; `letters.forms` says how in each language."""

    NONE = ""  # not stated: the contact brings every word of its own
    HEAD_OF_STATE = "head_of_state"
    MONARCH = "monarch"
    HEAD_OF_GOVERNMENT = "head_of_government"
    FOREIGN_MINISTER = "foreign_minister"
    PERMANENT_REPRESENTATIVE = "permanent_representative"
    CHARGE_DAFFAIRES = "charge_daffaires"
    AMBASSADOR = "ambassador"
    DIRECTOR = "director"
    PLAIN = "plain"  # a person, whatever the office


class Gender(StrEnum):
    """How somebody wishes to be addressed. It is stated by the source of the contact, and never guessed from a name."""

    NONE = ""
    FEMALE = "f"
    MALE = "m"


class State(StrEnum):
    """Where a delivery stands. `lifecycle.TRANSITIONS` says what may follow what."""

    QUEUED = "queued"  # due at `due`; claimable while its campaign runs
    HELD = "held"  # a person froze it, or the gate asks for one
    SENDING = "sending"  # leased until `due`; an attempt is open. After a crash: by the attempt's stage
    DEFERRED = "deferred"  # will be tried again at `due`, for a known passing cause
    ACCEPTED = "accepted"  # the relay or gateway took it; proof may still come
    IN_DOUBT = "in_doubt"  # it may or may not have gone; ask the provider, then a person
    PRESUMED = "presumed"  # no bounce came in its window: a claim, not proof
    DELIVERED = "delivered"  # evidence exists: fax confirmation, positive DSN, a person's note
    FAILED = "failed"  # needs a person: cause and next step are known
    CANCELLED = "cancelled"  # stopped on purpose


class Signal(StrEnum):
    """What can happen to a delivery."""

    CLAIM = "claim"  # a worker leased it
    HOLD = "hold"  # freeze until a person releases it
    RELEASE = "release"  # a person lifts the hold
    CANCEL = "cancel"  # stop on purpose
    REQUEUE = "requeue"  # nothing was sent and no try was spent: back to the queue
    ACCEPT = "accept"  # the next hop took responsibility
    CONFIRM = "confirm"  # evidence of delivery
    DEFER = "defer"  # surely not delivered, for a passing cause
    EXHAUST = "exhaust"  # surely not delivered, and the tries are used up
    REFUSE = "refuse"  # surely not delivered, for good
    DOUBT = "doubt"  # nobody knows
    SETTLE = "settle"  # the window for bad news has closed
    RETRY = "retry"  # a person asks for another try


class Health(StrEnum):
    """What the letters so far tell of an address. Derived from deliveries, never stored."""

    UNTRIED = "untried"  # no letter to it has come to an end yet
    GOOD = "good"  # the latest letter arrived
    DOUBTFUL = "doubtful"  # the latest one failed, for a cause that may pass
    BAD = "bad"  # the latest one failed because the address is wrong


class Fate(StrEnum):
    """What became of a waiting letter when its contact was corrected."""

    MOVED = "moved"  # goes to the new address
    HELD = "held"  # has nowhere to go, or names an office-holder who left: a person decides
    RELEASED = "released"  # was held for the other holder, who is the holder again
    MET = "met"  # goes to the new address already, or has arrived there: the old one is stopped
    FAILED = "failed"  # failed before, for a cause that another address does not mend: left as it is
    UNCERTAIN = "uncertain"  # may have arrived, or is being sent: left as it is


class Asked(StrEnum):
    """What a person asks of a worker; it does so from its next claim on."""

    RUN = "run"  # claim what is due
    PAUSE = "pause"  # finish what is in hand, claim nothing until it is resumed
    DRAIN = "drain"  # finish what is in hand, then end


class Stage(StrEnum):
    """How far an attempt got; recovery goes by this, never by age alone."""

    OPEN = "open"  # claimed; nothing that commits us has left
    TRANSMITTING = "transmitting"  # recorded durably just before the point of no return
    CLOSED = "closed"  # its outcome is on record


class Verdict(StrEnum):
    """What a try or a report came to. The verdict decides; the cause only explains."""

    DELIVERED = "delivered"  # evidence of delivery
    ACCEPTED = "accepted"  # the next hop answered for it
    DEFERRED = "deferred"  # surely not delivered; may pass
    REFUSED = "refused"  # surely not delivered; will not pass
    UNKNOWN = "unknown"  # it may have gone
    UNSENT = "unsent"  # our own side stopped before anything left; spends no try


class RouteState(StrEnum):
    """Whether letters go by a way out: a mail relay, a fax gateway, a whole channel."""

    OPEN = "open"  # they do; faults are counted
    CLOSED = "closed"  # it refused us too often: none goes, and a connection without a letter looks at it now and then
    TRIAL = "trial"  # such a connection got through: one letter goes, the others when that one was answered
    PAUSED = "paused"  # a person closed it: none goes until a person opens it again


class Bulk(StrEnum):
    """May an operator retry all failures of a cause at once?"""

    YES = "yes"
    FIRST = "first"  # try one; when it goes, the rest
    NO = "no"  # repair each one first
    NEVER = "never"  # in doubt: one by one, by a person, with a reason


class Who(StrEnum):
    """Who has to act on a cause."""

    WAIT = "wait"  # it passes by itself
    US = "us"  # one repair on our side mends all
    CONTACT = "contact"  # the contact's data are wrong
    PERSON = "person"  # somebody has to find out


class Incoming(StrEnum):
    """What a message that came in is."""

    BOUNCE = "bounce"  # a letter was given back: it has not arrived at somebody, for good or for this time
    DELAY = "delay"  # a letter is late, and is tried on: nothing is decided
    DELIVERY_RECEIPT = "delivery_receipt"  # a mail system reports that a letter was delivered, or passed on
    READ_RECEIPT = "read_receipt"  # a reader's program reports what was done with a letter (RFC 8098)
    AUTO_REPLY = "auto_reply"  # a program answered: out of office, acknowledgement of receipt. Never an answer
    FEEDBACK_REPORT = "feedback_report"  # a recipient, or a provider for one, complains of a letter (RFC 5965)
    CHALLENGE = "challenge"  # a program keeps the letter until its sender proves to be a person
    ANSWER = "answer"  # a person wrote
    FAX_FEEDBACK = "fax_feedback"  # a gateway reports by mail what became of a fax
    UNKNOWN = "unknown"  # not to be told: a person has to look


class BounceVerdict(StrEnum):
    """What a report says of an address; what to do about it follows from the cause."""

    HARD = "hard"  # letters to it do not arrive, and trying again does not mend that
    SOFT = "soft"  # this one did not arrive, or not yet; a later one may
    POLICY = "policy"  # they refuse this letter, or us: the address may well be right
    NONE = "none"  # nothing against it: a receipt, an answer


class Filing(StrEnum):
    """Where a message that came in stands."""

    RECEIVED = "received"  # in the archive and on record; not read yet
    APPLIED = "applied"  # it moved a letter, stopped or postponed follow-ups, or barred an address
    KEPT = "kept"  # it is about a letter, and there was nothing to do
    HELD = "held"  # a person has to look; the follow-ups of the letter it may be about wait
    SETTLED = "settled"  # a person has said what it is


class Settlement(StrEnum):
    """What a person says that a held message is."""

    ANSWER = "answer"  # they answered this letter: it has arrived, and its follow-ups stop
    BOUNCE = "bounce"  # this letter came back
    RECEIPT = "receipt"  # this letter has arrived
    NO_NEWS = "no_news"  # an automatic reply, a delay: it is about this letter, and nothing follows from it
    NOT_OURS = "not_ours"  # it is about no letter


class Tie(StrEnum):
    """What ties a message to a letter, the strongest first. The first three may change a state."""

    RETURN_PATH = "return_path"  # it came to the return path that we signed for one try
    ENVELOPE_ID = "envelope_id"  # it states the envelope id that we signed for one try
    MESSAGE_ID = "message_id"  # it cites our letter
    GUESS = "guess"  # addresses, subject and time fit; for a person to look at
    PERSON = "person"  # a person said so
    NONE = ""


class Cause(StrEnum):
    """Why. The code is a public, stable name; the text for people stands in config/causes.toml."""

    NONE = ""
    EMAIL_NO_MAILBOX = "email.no_mailbox"
    EMAIL_MAILBOX_FULL = "email.mailbox_full"
    EMAIL_BLOCKED = "email.blocked"
    EMAIL_TOO_BIG = "email.too_big"
    EMAIL_GREYLISTED = "email.greylisted"
    EMAIL_REFUSED = "email.refused"
    EMAIL_NO_ANSWER_AFTER_DATA = "email.no_answer_after_data"
    EMAIL_NOT_TAKEN = "email.not_taken"
    EMAIL_UNREACHABLE = "email.unreachable"
    EMAIL_COMPLAINED = "email.complained"
    SMTP_CONNECT = "smtp.connect"
    SMTP_TLS = "smtp.tls"
    SMTP_AUTH = "smtp.auth"
    SMTP_PEER = "smtp.peer"
    SMTP_BUSY = "smtp.busy"
    SMTP_REFUSED = "smtp.refused"
    FAX_BUSY = "fax.busy"
    FAX_NO_ANSWER = "fax.no_answer"
    FAX_VOICE = "fax.voice"
    FAX_NO_CARRIER_MID_PAGE = "fax.no_carrier_mid_page"
    FAX_PARTIAL = "fax.partial"
    FAX_LOST_AFTER_LAST_PAGE = "fax.lost_after_last_page"
    FAX_PAGES_UNKNOWN = "fax.pages_unknown"
    FAX_BAD_NUMBER = "fax.bad_number"
    FAX_REFUSED = "fax.refused"
    FAX_PROVIDER_REJECTED = "fax.provider_rejected"
    FAX_NO_CREDIT = "fax.no_credit"
    FAX_GATEWAY_UNREACHABLE = "fax.gateway_unreachable"
    FAX_NO_ANSWER_AFTER_SUBMIT = "fax.no_answer_after_submit"
    FAX_NO_PROOF = "fax.no_proof"
    FAX_UNKNOWN_CODE = "fax.unknown_code"
    CONTENT_INVALID = "content.invalid"
    ADDRESS_INVALID = "address.invalid"
    LETTER_EXPIRED = "letter.expired"
    LETTER_SUPERSEDED = "letter.superseded"
    WORKER_LOST = "worker.lost"
    WORKER_LOST_TRANSMITTING = "worker.lost_transmitting"
    CHANNEL_FAULT = "channel.fault"
    ROUTE_PAUSED = "route.paused"
    STORE_FAULT = "store.fault"
    GATE_PAUSED = "gate.paused"
    GATE_STOPPED = "gate.stopped"
    GATE_WINDOW = "gate.window"
    GATE_LATE = "gate.late"
    GATE_SUPPRESSED = "gate.suppressed"
    GATE_ANSWERED = "gate.answered"
    GATE_PROVEN = "gate.proven"
    GATE_DOUBT = "gate.doubt"
    GATE_QUARANTINE = "gate.quarantine"
    GATE_HALTED = "gate.halted"
    GATE_RATE = "gate.rate"
    GATE_CALLING = "gate.calling"
    GATE_VOICE = "gate.voice"
    GATE_COURTESY = "gate.courtesy"
    GATE_DAY = "gate.day"
    GATE_SPENDING = "gate.spending"
    GATE_UNFILED = "gate.unfiled"
    GATE_AWAY = "gate.away"
    RESTORED_HELD = "restored.held"
    RESTORED_DOUBT = "restored.doubt"
    GATE_CONTACT = "gate.contact"
    PERSON_NOTE = "person.note"
    PERSON_HOLD = "person.hold"
    PERSON_CANCEL = "person.cancel"
    PERSON_RETRY = "person.retry"
    PERSON_GAVE_UP = "person.gave_up"
    PERSON_INSTEAD = "person.instead"


@dataclass(frozen=True, slots=True)
class CauseFacts:
    """What the code may do on its own about a cause."""

    bulk: Bulk
    who: Who


_WAITS = CauseFacts(Bulk.YES, Who.WAIT)
_OURS = CauseFacts(Bulk.FIRST, Who.US)
_THEIRS = CauseFacts(Bulk.NO, Who.CONTACT)
_DOUBTFUL = CauseFacts(Bulk.NEVER, Who.PERSON)
_LETTER = CauseFacts(Bulk.NO, Who.US)

CAUSES: dict[Cause, CauseFacts] = {
    Cause.NONE: _WAITS,
    Cause.EMAIL_NO_MAILBOX: _THEIRS,
    Cause.EMAIL_MAILBOX_FULL: _WAITS,
    Cause.EMAIL_BLOCKED: _OURS,
    Cause.EMAIL_TOO_BIG: _LETTER,
    Cause.EMAIL_GREYLISTED: _WAITS,
    Cause.EMAIL_REFUSED: CauseFacts(Bulk.FIRST, Who.PERSON),
    Cause.EMAIL_NO_ANSWER_AFTER_DATA: _DOUBTFUL,
    Cause.EMAIL_NOT_TAKEN: _WAITS,
    Cause.EMAIL_UNREACHABLE: _WAITS,
    Cause.EMAIL_COMPLAINED: CauseFacts(Bulk.NO, Who.PERSON),
    Cause.SMTP_CONNECT: _OURS,
    Cause.SMTP_TLS: _OURS,
    Cause.SMTP_AUTH: _OURS,
    Cause.SMTP_PEER: _OURS,
    Cause.SMTP_BUSY: _WAITS,
    Cause.SMTP_REFUSED: _OURS,
    Cause.FAX_BUSY: _WAITS,
    Cause.FAX_NO_ANSWER: _WAITS,
    Cause.FAX_VOICE: _THEIRS,
    Cause.FAX_NO_CARRIER_MID_PAGE: _WAITS,
    Cause.FAX_PARTIAL: CauseFacts(Bulk.NO, Who.PERSON),
    Cause.FAX_LOST_AFTER_LAST_PAGE: _DOUBTFUL,
    Cause.FAX_PAGES_UNKNOWN: _DOUBTFUL,
    Cause.FAX_BAD_NUMBER: _THEIRS,
    Cause.FAX_REFUSED: _THEIRS,
    Cause.FAX_PROVIDER_REJECTED: _OURS,
    Cause.FAX_NO_CREDIT: _OURS,
    Cause.FAX_GATEWAY_UNREACHABLE: _OURS,
    Cause.FAX_NO_ANSWER_AFTER_SUBMIT: _DOUBTFUL,
    Cause.FAX_NO_PROOF: _DOUBTFUL,
    Cause.FAX_UNKNOWN_CODE: _DOUBTFUL,
    Cause.CONTENT_INVALID: _LETTER,
    Cause.ADDRESS_INVALID: _THEIRS,
    Cause.LETTER_EXPIRED: CauseFacts(Bulk.NO, Who.PERSON),
    Cause.LETTER_SUPERSEDED: _WAITS,
    Cause.WORKER_LOST: _WAITS,
    Cause.WORKER_LOST_TRANSMITTING: _DOUBTFUL,
    Cause.CHANNEL_FAULT: _DOUBTFUL,
    Cause.ROUTE_PAUSED: _OURS,
    Cause.STORE_FAULT: _OURS,
    Cause.GATE_PAUSED: _WAITS,
    Cause.GATE_STOPPED: _WAITS,
    Cause.GATE_WINDOW: _WAITS,
    Cause.GATE_LATE: CauseFacts(Bulk.NO, Who.PERSON),
    Cause.GATE_SUPPRESSED: _THEIRS,
    Cause.GATE_ANSWERED: _WAITS,
    Cause.GATE_PROVEN: _WAITS,
    Cause.GATE_DOUBT: _WAITS,
    Cause.GATE_QUARANTINE: _OURS,
    Cause.GATE_HALTED: _OURS,
    Cause.GATE_RATE: _WAITS,
    Cause.GATE_CALLING: _WAITS,
    Cause.GATE_VOICE: CauseFacts(Bulk.NO, Who.PERSON),
    Cause.GATE_COURTESY: _WAITS,
    Cause.GATE_DAY: _WAITS,
    Cause.GATE_SPENDING: _OURS,
    Cause.GATE_UNFILED: CauseFacts(Bulk.NO, Who.PERSON),
    Cause.GATE_AWAY: _WAITS,
    Cause.RESTORED_HELD: CauseFacts(Bulk.NO, Who.PERSON),
    Cause.RESTORED_DOUBT: _DOUBTFUL,
    Cause.GATE_CONTACT: _THEIRS,
    Cause.PERSON_NOTE: CauseFacts(Bulk.NO, Who.PERSON),
    Cause.PERSON_HOLD: CauseFacts(Bulk.NO, Who.PERSON),
    Cause.PERSON_CANCEL: CauseFacts(Bulk.NO, Who.PERSON),
    Cause.PERSON_RETRY: CauseFacts(Bulk.NO, Who.PERSON),
    Cause.PERSON_GAVE_UP: CauseFacts(Bulk.NO, Who.PERSON),
    Cause.PERSON_INSTEAD: CauseFacts(Bulk.NO, Who.PERSON),
}
