"""Checks an evidence bundle of Dispatcher on a machine that never saw it: python3 verify.py [BUNDLE.zip or folder].

One file, standard library alone (Python 3.9 or later). It lies in every bundle; take it from elsewhere if you do not
trust the bundle. It ends with 0 when all holds, 3 when something does not, 7 when it cannot check.

What it cannot know is whose key has signed: compare the key that it prints with the one that you were given, or hand it
over with --key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict, Tuple

#: An object of JSON.
Record = Dict[str, Any]

OWN = "audit/"  #: not in the list of files: it holds the entry that the list's digest stands in
LIST = "manifest.json"
_DOMAIN = b"dispatcher-audit-v1\0"


class Wrong(Exception):
    """Something does not hold."""


class Unreadable(Exception):
    """What is needed for the check is not there, or not what it should be."""


# -- the bundle's files ------------------------------------------------------------------------------------------------


def read(path: Path) -> dict[str, bytes]:
    """Every file of a bundle, a ZIP or a folder, by its name."""
    try:
        if path.is_dir():
            return {one.relative_to(path).as_posix(): one.read_bytes() for one in path.rglob("*") if one.is_file()}
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
            if len(names) != len(set(names)):
                raise Wrong("a file is in the ZIP twice")
            return {name: packed.read(name) for name in names if not name.endswith("/")}
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise Unreadable(f"{path} cannot be read: {error}") from error


def check_files(files: dict[str, bytes]) -> int:
    """Every file is as listed, and no other is there; how many."""
    listed = _json(files, LIST)["files"]
    there = {name for name in files if name != LIST and not name.startswith(OWN)}
    for name in sorted(there | set(listed)):
        if name not in files:
            raise Wrong(f"{name} is missing")
        if name not in listed:
            raise Wrong(f"{name} does not belong to the bundle")
        if _sha256(files[name]) != listed[name]:
            raise Wrong(f"{name} was altered")
    return len(listed)


# -- the audit log -----------------------------------------------------------------------------------------------------


def check_log(files: dict[str, bytes], key: str) -> tuple[list[Record], str]:
    """Every entry is as it was written and under the signed root; the entries, and the key that has signed."""
    entries = [json.loads(line) for line in _text(files, "audit/entries.jsonl").splitlines()]
    proofs = _json(files, "audit/proofs.json")
    size, root, signer = check_head(_text(files, "audit/checkpoint.txt"), key or _text(files, "audit/key.txt").strip())
    for entry in entries:
        digest = hash_of(entry)
        if digest != entry["hash"]:
            raise Wrong(f"entry {entry['seq']} of the audit log was altered")
        path = [bytes.fromhex(one) for one in proofs.get(str(entry["seq"]), ())]
        if not included(_leaf(bytes.fromhex(digest)), entry["seq"] - 1, size, path, root):
            raise Wrong(f"entry {entry['seq']} is not in the log that was signed")
    return entries, signer


def hash_of(entry: Record) -> str:
    body = {name: value for name, value in entry.items() if name not in ("hash", "prev")}
    text = json.dumps({"v": 1, **body}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(_DOMAIN + entry["prev"].encode() + b"\0" + text.encode()).hexdigest()


def _leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\0" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def included(one: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """Does the path lead from this leaf to the root? (RFC 9162 section 2.1.3.2)"""
    if not 0 <= index < size or len(one) != 32:
        return False
    position, last = index, size - 1
    for other in path:
        if not last:
            return False
        if position & 1 or position == last:
            one = _node(other, one)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            one = _node(one, other)
        position, last = position >> 1, last >> 1
    return not last and one == root


def check_head(note: str, key: str) -> tuple[int, bytes, str]:
    """The size and root that were signed (C2SP tlog-checkpoint), and by which key."""
    name, _, rest = key.partition("+")
    value = base64.b64decode(rest.partition("+")[2])
    text, gap, signatures = note.rpartition("\n\n")
    lines = (text + "\n").split("\n")
    if not gap or len(value) != 33 or value[0] != 1 or len(lines) < 4:
        raise Unreadable("the checkpoint or the key is not one")
    public, key_id = value[1:], hashlib.sha256(name.encode() + b"\n" + value).digest()[:4]
    for line in signatures.splitlines():
        found = re.fullmatch(r"— (\S+) (\S+)", line)
        raw = base64.b64decode(found.group(2)) if found else b""
        if found and found.group(1) == name == lines[0] and raw[:4] == key_id:
            if not signed(public, (text + "\n").encode(), raw[4:]):
                raise Wrong("the checkpoint of the audit log is not what its key has signed")
            return int(lines[1]), base64.b64decode(lines[2]), key
    raise Wrong(f"the checkpoint is not signed with the key of '{name}'")


# -- Ed25519 (RFC 8032 section 5.1), for checking alone: nothing here is secret ----------------------------------------

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
Point = Tuple[int, int, int, int]  #: (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z


def _add(one: Point, two: Point) -> Point:
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c = 2 * one[3] * two[3] * _D % _P
    d = 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _times(count: int, point: Point) -> Point:
    found: Point = (0, 1, 1, 0)
    while count:
        if count & 1:
            found = _add(found, point)
        point, count = _add(point, point), count >> 1
    return found


def _point(raw: bytes) -> Point | None:
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if x * x % _P != square:
        x = x * _ROOT % _P
    if x * x % _P != square or (not x and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return (x, y, 1, x * y % _P)


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))


def signed(public: bytes, text: bytes, signature: bytes) -> bool:
    """Is it this key's signature over the text?"""
    key, commitment = _point(public), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or key is None or commitment is None or scalar >= _ORDER or _BASE is None:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % _ORDER
    left, right = _times(scalar, _BASE), _add(commitment, _times(challenge, key))
    same_x = (left[0] * right[2] - right[0] * left[2]) % _P == 0
    same_y = (left[1] * right[2] - right[1] * left[2]) % _P == 0
    return same_x and same_y


# -- what the log says of the files ------------------------------------------------------------------------------------


def check_story(files: dict[str, bytes], entries: list[Record]) -> list[str]:
    """The log names the list of files, every letter, and the very bytes that left; what of that could be checked."""
    told = []
    lists = [one["data"].get("manifest") for one in entries if one["action"] == "evidence.export"]
    if _sha256(files[LIST]) not in lists:
        raise Wrong("the list of files is not the one that stands in the audit log")
    sent = {one["data"]["attempt"]: one["data"] for one in entries if one["action"] == "attempt.transmitting"}
    for name in sorted(files):
        if name.endswith("/delivery.json"):
            told += _check_delivery(files, name.rpartition("/")[0], json.loads(files[name]), sent)
    return told + _check_plan(files, entries)


def _check_delivery(files: dict[str, bytes], folder: str, told: Record, sent: dict[str, Record]) -> list[str]:
    letter = told["delivery"]["letter"]
    own = f"letters/{letter}/letter.json"
    if own in files and _sha256(files[own]) != letter:
        raise Wrong(f"{own} is not the letter that was approved under {letter[:12]}…")
    if own in files:
        _check_parts(files, f"letters/{letter}", json.loads(files[own])["objects"])
    words = []
    for one in told["attempts"]:
        noted = sent.get(one["id"])
        if one["sent_digest"] and (noted is None or noted["sent"] != one["sent_digest"] or noted["letter"] != letter):
            raise Wrong(f"try {one['id']} is not what the audit log says of it")
        if one["sent_digest"]:
            bytes_of = files.get(f"{folder}/try-{one['fence']}-sent.{one['form']}")
            if bytes_of is not None and _sha256(bytes_of) != one["sent_digest"]:
                raise Wrong(f"the bytes of try {one['id']} are not those that left")
            words.append(f"try {one['id']}: {'the very bytes that left' if bytes_of else 'its bytes are not here'}")
    return words


def _check_parts(files: dict[str, bytes], folder: str, objects: dict[str, str]) -> None:
    """The letter's document names its parts by digest; those that are here are the ones."""
    here = {_sha256(data) for name, data in files.items() if name.startswith(f"{folder}/")}
    if not here & set(objects.values()):
        raise Wrong(f"no part of the letter is in {folder}")


def _check_plan(files: dict[str, bytes], entries: list[Record]) -> list[str]:
    approved = {one["data"].get("plan"): one for one in entries if one["action"] == "campaign.approve"}
    if "plan.json" not in files:
        return ["the approved plan is not in this bundle: that the letter is part of it rests on our word"]
    plan = _sha256(files["plan.json"])
    if plan not in approved:
        raise Wrong("plan.json is not a plan whose approval stands in the audit log")
    letters = {one["digest"] for one in json.loads(files["plan.json"])["letters"]}
    for name in files:
        if name.startswith("letters/") and name.split("/")[1] not in letters:
            raise Wrong(f"{name} is of a letter that is not in the approved plan")
    one = approved[plan]
    return [f"every letter is part of the plan that {one['actor']} approved at {one['at']} (entry {one['seq']})"]


# -- the door ----------------------------------------------------------------------------------------------------------


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _text(files: dict[str, bytes], name: str) -> str:
    if name not in files:
        raise Unreadable(f"{name} is not in the bundle")
    return files[name].decode("utf-8")


def _json(files: dict[str, bytes], name: str) -> Record:
    found = json.loads(_text(files, name))
    if not isinstance(found, dict):
        raise Unreadable(f"{name} is not what it should be")
    return found


def verify(path: Path, key: str = "") -> list[str]:
    """What was found to hold. Raises Wrong, Unreadable."""
    files = read(path)
    try:
        count = check_files(files)
        entries, signer = check_log(files, key)
        told = check_story(files, entries)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Wrong(f"a file is not what it should be: {type(error).__name__}: {error}") from error
    return [
        f"{count} files, each as it was listed when the bundle was made",
        f"{len(entries)} entries of the audit log, each as it was written, in the log that was signed",
        f"signed with the key {signer}",
        *told,
    ]


def main(arguments: list[str]) -> int:
    key = ""
    if "--key" in arguments:
        at = arguments.index("--key")
        key = arguments[at + 1] if at + 1 < len(arguments) else ""
        del arguments[at : at + 2]
    path = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    try:
        for line in verify(path, key):
            print(line)
    except Wrong as found:
        print(f"WRONG: {found}")
        return 3
    except Unreadable as found:
        print(f"CANNOT CHECK: {found}")
        return 7
    print("All of it holds." if key else "All of it holds. Compare the key with the one that you were given.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
