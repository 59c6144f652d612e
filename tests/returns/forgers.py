"""Writes reports that must move nothing: forged, replayed, out of order, cut short; by one number always the same.

One thing is not forged here: a report that comes to no return path at all, cites the letter's Message-ID and names its
address. Whoever can write it has had the letter in hand, and is believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from desk.desk import return_path

from dispatcher.domain.tokens import sign_return_path

from . import messages
from .messages import Letter

_DOMAIN = "bounce.coalition.example"
Forger = Callable[["Forgery", Letter], bytes]


@dataclass(frozen=True, slots=True)
class Forgery:
    """One forger: what it may know, and the dice."""

    dice: Random
    now: datetime
    others: tuple[Letter, ...]  #: letters that it received itself, with their genuine return paths

    def report(self, letter: Letter, about: str = "") -> bytes:
        """Some report about this letter."""
        action, status, words = self.dice.choice(
            (
                ("failed", "5.1.1", "550 5.1.1 no such user"),
                ("failed", "4.2.2", "452 4.2.2 mailbox full"),
                ("failed", "5.7.1", "550 5.7.1 blocked"),
                ("delayed", "4.4.1", "451 4.4.1 timed out"),
                ("delivered", "2.0.0", "250 ok"),
            )
        )
        return messages.report(letter, action, status, words, about=about)

    def attempt_of(self, letter: Letter) -> str:
        """Ids are made of facts that may be guessed: every forger is given them."""
        return re.sub(r"^r-(.*)-[a-z2-7]{8}-[a-z2-7]{24}$", r"\1", letter.envelope_id)


def _altered(by: Forgery, letter: Letter) -> bytes:
    """The genuine return path with another letter in it, and nothing else that is genuine."""
    local = letter.return_path.partition("@")[0]
    place = by.dice.randrange(len(local) - 33, len(local))
    other = by.dice.choice([one for one in "abcdefghijklmnopqrstuvwxyz234567" if one != local[place]])
    changed = local[:place] + other + local[place + 1 :]
    return by.report(replace(letter, return_path=f"{changed}@{_DOMAIN}", envelope_id=changed))


def _signed_by_another_key(by: Forgery, letter: Letter) -> bytes:
    local = sign_return_path(by.dice.randbytes(32), by.attempt_of(letter), by.now + timedelta(days=30))
    return by.report(replace(letter, return_path=f"{local}@{_DOMAIN}", envelope_id=local))


def _expired(by: Forgery, letter: Letter) -> bytes:
    """Signed by us, so long ago that it counts no more."""
    old = return_path(by.attempt_of(letter), by.now - timedelta(days=60 + by.dice.randrange(300)))
    return by.report(replace(letter, return_path=old, envelope_id=old.partition("@")[0]))


def _unsigned(by: Forgery, letter: Letter) -> bytes:
    name = by.attempt_of(letter)
    path = by.dice.choice((f"bounce-{name}@{_DOMAIN}", f"r-{name}@{_DOMAIN}", "letters@coalition.example"))
    return by.report(Letter("", letter.address, path, by.dice.choice(("", name, f"r-{name}"))))


def _through_their_own(by: Forgery, letter: Letter) -> bytes:
    """The return path of a letter that the forger received, about a letter that it did not."""
    own = by.dice.choice(by.others)
    return by.report(replace(letter, return_path=own.return_path, envelope_id=own.envelope_id))


def _their_own_citing_another(by: Forgery, letter: Letter) -> bytes:
    """Return path and address of a letter that the forger received; what it returns is another one."""
    own = by.dice.choice(by.others)
    return by.report(replace(own, message_id=letter.message_id))


def _their_own_naming_another(by: Forgery, letter: Letter) -> bytes:
    """The return path of a letter that the forger received, about somebody else, and citing nothing."""
    own = by.dice.choice(by.others)
    return by.report(replace(own, message_id="", address=letter.address))


def _about_somebody_else(by: Forgery, letter: Letter) -> bytes:
    """It cites the letter, and names another address."""
    domain = by.dice.choice(("other.example", letter.address.partition("@")[2]))
    return by.report(Letter(letter.message_id, letter.address), about=f"someone-{by.dice.randrange(99)}@{domain}")


def _of_two(by: Forgery, letter: Letter) -> bytes:
    """Two return paths at once, a genuine one among them."""
    own = by.dice.choice(by.others)
    both = replace(letter, return_path=f"{letter.return_path}\r\nDelivered-To: {own.return_path}", envelope_id="")
    return by.report(both)


def _guessed(by: Forgery, letter: Letter) -> bytes:
    """Address, subject and time fit: for a person to look at, and no more."""
    bare = Letter("", letter.address, subject=letter.subject)
    write = by.dice.choice((messages.answer, messages.out_of_office, messages.complaint, messages.read_receipt))
    return by.report(bare) if by.dice.random() < 0.5 else write(bare)


def _no_letter_of_ours(by: Forgery, letter: Letter) -> bytes:
    number = f"<{by.dice.randbytes(10).hex()}@coalition.example>"
    return by.report(Letter(number, letter.address))


FORGERS: tuple[Forger, ...] = (
    _altered,
    _signed_by_another_key,
    _expired,
    _unsigned,
    _through_their_own,
    _their_own_citing_another,
    _their_own_naming_another,
    _about_somebody_else,
    _of_two,
    _guessed,
    _no_letter_of_ours,
)


#: Cut short, these no longer show what is wrong with them: what is left is a genuine report.
_WHOLE = (_their_own_citing_another, _of_two)


def forged(by: Forgery, letters: tuple[Letter, ...], most: int) -> Iterator[bytes]:
    """So many forgeries about these letters, a third of them cut short."""
    for number in range(most):
        forger = FORGERS[number % len(FORGERS)]
        raw = forger(by, by.dice.choice(letters))
        short = forger not in _WHOLE and by.dice.random() < 0.33
        yield raw[: by.dice.randrange(40, len(raw))] if short else raw


def replayed(dice: Random, heard: tuple[bytes, ...], most: int) -> Iterator[bytes]:
    """Genuine reports about what is past: each as a new message, then as they were, in any order, or cut short."""
    for number in range(len(heard) + most):
        raw = heard[number] if number < len(heard) else dice.choice(heard)
        if number < len(heard) or number % 3:
            raw = re.sub(rb"Message-ID: <report-[^@]*@", b"Message-ID: <again-%d@" % number, raw, count=1)
        yield raw[: dice.randrange(40, len(raw))] if number % 3 == 2 and number >= len(heard) else raw
