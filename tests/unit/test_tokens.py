"""Signed return paths and callbacks: what we signed comes back; nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.address import parse_email
from dispatcher.domain.tokens import (
    read_return_path,
    sign_callback,
    sign_hint,
    sign_return_path,
    verify_callback,
    verify_hint,
)

KEY = bytes(range(32))
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
ATTEMPT = "0123456789abcdef0123.1"


def test_a_return_path_names_its_attempt_until_it_expires() -> None:
    local = sign_return_path(KEY, ATTEMPT, LATER)
    assert read_return_path(KEY, local, NOW) == ATTEMPT
    assert read_return_path(KEY, local, LATER - timedelta(seconds=1)) == ATTEMPT
    assert read_return_path(KEY, local, LATER) is None


def test_a_return_path_survives_relays_that_change_the_case() -> None:
    assert read_return_path(KEY, sign_return_path(KEY, ATTEMPT, LATER).upper(), NOW) == ATTEMPT


def test_a_return_path_is_an_address_that_the_strict_reader_takes() -> None:
    local = sign_return_path(KEY, "z" * 20 + ".9999999", datetime(9999, 12, 31, tzinfo=UTC))
    assert len(local) <= 64
    assert parse_email(f"{local}@bounce.example") == f"{local}@bounce.example"


def test_a_return_path_of_another_key_is_not_ours() -> None:
    assert read_return_path(KEY[::-1], sign_return_path(KEY, ATTEMPT, LATER), NOW) is None


@given(st.integers(0, 200), st.characters(codec="utf-8"))
def test_one_changed_character_makes_a_return_path_worthless(place: int, char: str) -> None:
    local = sign_return_path(KEY, ATTEMPT, LATER)
    place %= len(local)
    changed = local[:place] + char + local[place + 1 :]
    assert read_return_path(KEY, changed, NOW) == (ATTEMPT if changed.lower() == local else None)


@pytest.mark.parametrize("local", ["", "postmaster", "r-", f"r-{ATTEMPT}", f"r-{ATTEMPT}-aaaaaaaa-{'a' * 24}"])
def test_a_foreign_local_part_is_not_ours(local: str) -> None:
    assert read_return_path(KEY, local, NOW) is None


@pytest.mark.parametrize(
    "name", ["", "a" * 20, "A" * 20 + ".1", "a-b.1", "a@b.1", "a" * 21 + ".1", "a.12345678", "a.1\r\n"]
)
def test_a_name_that_does_not_fit_a_return_path_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="attempt id"):
        sign_return_path(KEY, name, LATER)


def test_a_short_key_signs_nothing() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        sign_return_path(b"short", ATTEMPT, LATER)
    with pytest.raises(ValueError, match="at least 16 bytes"):
        sign_callback(b"", "0", b"")


STAMP = str(int(NOW.timestamp()))


@pytest.mark.parametrize(("seconds", "fresh"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_a_callback_counts_only_inside_its_window(seconds: int, fresh: bool) -> None:
    signature = sign_callback(KEY, STAMP, b"{}")
    assert verify_callback(KEY, STAMP, signature, b"{}", NOW + timedelta(seconds=seconds)) is fresh


@pytest.mark.parametrize(
    ("stamp", "body"), [(STAMP, b"{} "), (str(int(STAMP) + 1), b"{}"), (STAMP + " ", b"{}"), ("", b"{}"), ("-1", b"{}")]
)
def test_a_callback_with_another_body_or_time_is_refused(stamp: str, body: bytes) -> None:
    assert not verify_callback(KEY, stamp, sign_callback(KEY, STAMP, b"{}"), body, NOW)


@pytest.mark.parametrize("signature", ["", "v1=", "v1=é", sign_callback(KEY[::-1], STAMP, b"{}")])
def test_a_callback_with_a_foreign_signature_is_refused(signature: str) -> None:
    assert not verify_callback(KEY, STAMP, signature, b"{}", NOW)


def test_digits_cannot_move_between_the_time_and_the_body() -> None:
    signature = sign_callback(KEY, STAMP, b"5")
    assert sign_callback(KEY, STAMP + "5", b"") != signature


@given(st.from_regex(r"[a-z0-9]{1,24}\.[0-9]{1,3}", fullmatch=True))
def test_a_callback_address_of_ours_names_its_attempt_and_no_other(attempt_id: str) -> None:
    token = sign_hint("secret", "sinch", attempt_id)
    assert verify_hint("secret", "sinch", token) == attempt_id
    assert verify_hint("another", "sinch", token) is None
    assert verify_hint("secret", "interfax", token) is None
    for other in ("", ".", attempt_id, token[:-1], f"x{token}", token.upper() + "g", "é"):
        assert verify_hint("secret", "sinch", other) is None
