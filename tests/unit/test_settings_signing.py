"""The settings of the signature: every fault of certificate, key and passphrase is told when settings are loaded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as rsa_key
from signers.authority import Authority, pem

from dispatcher.domain.errors import Problem, SettingsError
from dispatcher.settings import Settings, load, signer

ALL = ("certificate_file", "key_file", "passphrase_file")
AUTHORITY = Authority()
KEY = generate_private_key(SECP256R1())
OTHER = generate_private_key(SECP256R1())
CERTIFICATE = AUTHORITY.issue(KEY)

Loading = Callable[..., Settings]


@pytest.fixture
def loading(tmp_path: Path) -> Loading:
    """Loads settings that name files with these contents; None: the file is named and is not there."""

    def made(mode: int = 0o600, **contents: bytes | None) -> Settings:
        for name, content in contents.items():
            if content is not None:
                (tmp_path / name).write_bytes(content)
                (tmp_path / name).chmod(0o644 if name == "certificate_file" else mode)
        lines = [f'{name} = "{name}"' for name in ALL if name in contents]
        (tmp_path / "mine.toml").write_text("\n".join(["[signing]", *lines]))
        return load(tmp_path / "mine.toml", {})

    return made


def _problems(loading: Loading, **contents: bytes | None) -> dict[str, Problem]:
    with pytest.raises(SettingsError) as caught:
        loading(**contents)
    assert all(one.cause and one.way_out and ":" in one.place for one in caught.value.problems)
    return {one.code: one for one in caught.value.problems}


def test_a_certificate_that_all_may_read_and_a_key_that_none_other_may_are_fine(loading: Loading) -> None:
    made = loading(certificate_file=CERTIFICATE + AUTHORITY.certificate, key_file=pem(KEY))
    assert made.signing.key_file
    assert made.signing.key_file.name == "key_file"


def test_a_key_under_a_passphrase_is_fine(loading: Loading) -> None:
    assert loading(certificate_file=CERTIFICATE, key_file=pem(KEY, b"open"), passphrase_file=b"open\n").signing.key_file


def test_without_the_section_nothing_is_signed(loading: Loading) -> None:
    assert loading().signing.certificate_file is None


@pytest.mark.parametrize(
    ("code", "contents"),
    [
        ("E_SIGNING_HALF", {"certificate_file": CERTIFICATE}),
        ("E_SIGNING_HALF", {"key_file": pem(KEY)}),
        ("E_SETTING_NO_FILE", {"certificate_file": None, "key_file": pem(KEY)}),
        ("E_SECRET_MISSING", {"certificate_file": CERTIFICATE, "key_file": None}),
        ("E_SECRET_MODE", {"certificate_file": CERTIFICATE, "key_file": pem(KEY), "mode": 0o640}),
        ("E_SIGNING_CERTIFICATE", {"certificate_file": b"hello", "key_file": pem(KEY)}),
        ("E_SIGNING_KEY", {"certificate_file": CERTIFICATE, "key_file": b"hello"}),
        ("E_SIGNING_KEY", {"certificate_file": CERTIFICATE, "key_file": pem(KEY, b"a"), "passphrase_file": b"b"}),
        ("E_SIGNING_PASSPHRASE", {"certificate_file": CERTIFICATE, "key_file": pem(KEY, b"a")}),
        ("E_SIGNING_PASSPHRASE", {"certificate_file": CERTIFICATE, "key_file": pem(KEY), "passphrase_file": b"b"}),
        ("E_SIGNING_MISMATCH", {"certificate_file": CERTIFICATE, "key_file": pem(OTHER)}),
        ("E_SIGNING_KEY_KIND", {"certificate_file": CERTIFICATE, "key_file": pem(Ed25519PrivateKey.generate())}),
        ("E_SIGNING_KEY_KIND", {"certificate_file": CERTIFICATE, "key_file": pem(rsa_key(65537, 1024))}),
        (
            "E_SIGNING_USAGE",
            {"certificate_file": AUTHORITY.issue(KEY, uses=("key_encipherment",)), "key_file": pem(KEY)},
        ),
    ],
)
def test_what_cannot_sign_is_refused_alone_and_by_name(loading: Loading, code: str, contents: dict[str, bytes]) -> None:
    assert set(_problems(loading, **contents)) == {code}


def test_all_that_is_wrong_is_told_at_once(loading: Loading) -> None:
    late = AUTHORITY.issue(KEY, uses=("key_agreement",))
    found = _problems(loading, certificate_file=late, key_file=pem(OTHER), mode=0o644)
    assert set(found) == {"E_SIGNING_USAGE", "E_SIGNING_MISMATCH", "E_SECRET_MODE"}
    assert found["E_SIGNING_USAGE"].place.endswith("mine.toml:2")
    assert found["E_SIGNING_MISMATCH"].place.endswith("mine.toml:3")


def test_an_expired_certificate_stops_no_start_since_what_it_signed_still_has_to_be_sent(
    loading: Loading,
) -> None:
    late = AUTHORITY.issue(KEY, first=datetime(2025, 1, 1, tzinfo=UTC), last=datetime(2026, 1, 1, tzinfo=UTC))
    made = loading(certificate_file=late, key_file=pem(KEY)).signing
    assert made.certificate_file
    assert signer(made.certificate_file).last == datetime(2026, 1, 1, tzinfo=UTC)


def test_the_secret_in_the_key_is_shown_nowhere(loading: Loading) -> None:
    made = loading(certificate_file=CERTIFICATE, key_file=pem(KEY))
    assert "PRIVATE" not in repr(made)
