"""The strict readers: what they take, what they refuse, and by which name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.address import parse_email, parse_fax
from dispatcher.domain.errors import UserError

LONG_LABEL = "a" * 64


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("mission.test@example.org", "mission.test@example.org"),
        (" Mission@Example.ORG ", "Mission@example.org"),
        ("o'neil+tag=1@a-b.example", "o'neil+tag=1@a-b.example"),
        ("a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example"),
        ("a" * 64 + "@x.example", "a" * 64 + "@x.example"),
    ],
)
def test_a_plain_address_is_taken_in_canonical_form(text: str, canonical: str) -> None:
    assert parse_email(text) == canonical
    assert parse_email(canonical) == canonical


REFUSED = [
    ("a@x.org, b@y.org", "E_ADDR_MANY"),
    ("a@x.org;b@y.org", "E_ADDR_MANY"),
    ("a@x.org b@y.org", "E_ADDR_MANY"),
    ("A <a@x.org>, B <b@y.org>", "E_ADDR_MANY"),
    ("a@x.org\r\nRCPT TO:<evil@x.org>", "E_CTRL"),
    ("a\x00@x.org", "E_CTRL"),
    ("a@x.org\t", "E_CTRL"),
    ("a@x.org\n", "E_CTRL"),
    ("a\u2028@x.org", "E_CTRL"),
    ("a\u200b@x.org", "E_CTRL"),
    ("a@x.org\u202e", "E_CTRL"),
    ("a\x85@x.org", "E_CTRL"),
    ('"a b"@x.org', "E_ADDR_FORM"),
    ('"a\\@b"@x.org', "E_ADDR_FORM"),
    ("a(c)@x.org", "E_ADDR_FORM"),
    ("@relay:a@x.org", "E_ADDR_FORM"),
    ("@a,@b:c@x.org", "E_ADDR_FORM"),
    ("a@[127.0.0.1]", "E_ADDR_FORM"),
    ("Name <a@x.org>", "E_ADDR_FORM"),
    ("<a@x.org>", "E_ADDR_FORM"),
    ("group: a@x.org;", "E_ADDR_FORM"),
    ("a@b@x.org", "E_ADDR_FORM"),
    ("@x.org", "E_ADDR_FORM"),
    (".a@x.org", "E_ADDR_FORM"),
    ("a..b@x.org", "E_ADDR_FORM"),
    ("a.@x.org", "E_ADDR_FORM"),
    ("a b@x.org", "E_ADDR_FORM"),
    ("a,b@x.org", "E_ADDR_FORM"),
    ("=?utf-8?q?=0D=0ABcc:_e?=@x.org\r", "E_CTRL"),
    ("", "E_ADDR_EMPTY"),
    ("   ", "E_ADDR_EMPTY"),
    ("<>", "E_ADDR_EMPTY"),
    ("postmaster", "E_ADDR_NODOMAIN"),
    ("a@", "E_ADDR_NODOMAIN"),
    ("a@x..org", "E_ADDR_DNS"),
    ("a@x.org.", "E_ADDR_DNS"),
    ("a@.x.org", "E_ADDR_DNS"),
    ("a@localhost", "E_ADDR_DNS"),
    ("a@127.0.0.1", "E_ADDR_DNS"),
    ("a@-x.org", "E_ADDR_DNS"),
    ("a@x-.org", "E_ADDR_DNS"),
    ("a@x_y.org", "E_ADDR_DNS"),
    ("a@x y.org", "E_ADDR_DNS"),
    (f"a@{LONG_LABEL}.org", "E_ADDR_DNS"),
    ("a" * 20 + "@" + ".".join(["a" * 60] * 4), "E_ADDR_LONG"),
    ("a@" + ".".join(["a" * 50] * 5), "E_ADDR_DNS"),
    ("a" * 65 + "@x.org", "E_ADDR_LONG"),
    ("ä@x.org", "E_UTF8_ROUTE"),
    ("a@bücher.example", "E_IDNA"),
    ("a@xn--a.example", "E_IDNA"),
    ("a@ab--cd.example", "E_IDNA"),
]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_anything_but_one_plain_address_is_refused_by_name(text: str, code: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_email(text)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert problem.cause


def test_a_control_character_is_named_with_its_place() -> None:
    with pytest.raises(UserError, match=re.escape("U+000D at 8")):
        parse_email("a@x.org\r\nRCPT TO:<e>")


@given(st.text(max_size=80))
def test_whatever_is_taken_is_ascii_and_stands_unchanged_between_angle_brackets(text: str) -> None:
    try:
        address = parse_email(text)
    except UserError:
        return
    assert re.fullmatch(r"[!-~]+@[a-z0-9.-]+", address)
    assert not set(address) & set('<>()[],;:\\" ')
    assert address.lower() == text.strip(" ").lower()


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("+41 22 555 01 00", "+41225550100"),
        ("+1-202-555-0100", "+12025550100"),
        ("+1 (202) 555.0100", "+12025550100"),
        (" +442079460000 ", "+442079460000"),
    ],
)
def test_an_international_number_is_taken(text: str, canonical: str) -> None:
    assert parse_fax(text) == canonical
    assert parse_fax(canonical) == canonical


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("00 41 22 555 01 00", "E_FAX_FORM"),
        ("022 555 01 00", "E_FAX_FORM"),
        ("+41 22 555 01 00 ext. 5", "E_FAX_FORM"),
        ("+1 800 CALL NOW", "E_FAX_FORM"),
        ("+1 (202 555 0100", "E_FAX_FORM"),
        ("+0 202 555 0100", "E_FAX_FORM"),
        ("+1234567890123456", "E_FAX_FORM"),
        ("+41/225550100", "E_FAX_FORM"),
        ("+41  22 555 01 00", "E_FAX_FORM"),
        ("+４１225550100", "E_FAX_FORM"),
        ("", "E_FAX_FORM"),
        ("+41225550100\r\nX: y", "E_CTRL"),
        ("+1 900 555 0100", "E_FAX_CLASS"),
        ("+44 909 879 0000", "E_FAX_CLASS"),
        ("+979 1 2345 6789", "E_FAX_CLASS"),
        ("+881 6 2345 6789", "E_FAX_CLASS"),
        ("+41 117", "E_FAX_CLASS"),
    ],
)
def test_anything_but_one_dialable_number_is_refused_by_name(text: str, code: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_fax(text)
    assert [problem.code for problem in caught.value.problems] == [code]


@given(st.text(alphabet="+0123456789 ()-.x\n", max_size=24))
def test_whatever_number_is_taken_is_plus_and_digits(text: str) -> None:
    try:
        number = parse_fax(text)
    except UserError:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{7,14}", number)


@pytest.mark.parametrize("text", ["mission(at)x.example", "postmaster", "mission at x.example"])
def test_an_address_without_an_at_is_told_so(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_email(text)
    (problem,) = caught.value.problems
    assert problem.code == "E_ADDR_NODOMAIN"
    assert problem.cause.startswith("there is no @")


def test_of_two_addresses_one_is_to_be_kept() -> None:
    with pytest.raises(UserError) as caught:
        parse_email("a@x.example; b@x.example")
    assert caught.value.problems[0].way_out == "keep the one that letters should go to"
