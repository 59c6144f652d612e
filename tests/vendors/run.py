"""A vendor's own client against our far end: `make test-vendors`. Sinch has none for Python, so its npm client runs.

Skipped, with the reason, where npm or its packages cannot be had. The Python SDK of Telnyx is among the ordinary tests.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from farend.sinch import KEY, PROJECT, SECRET, Sinch
from PIL import Image

from dispatcher.channels.base import Parcel, Permit
from dispatcher.channels.sinch import Account, SinchChannel
from dispatcher.domain.words import Kind, Verdict

HERE = Path(__file__).resolve().parent
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NUMBER, BAD = "+13125550100", "+13125550141"


def install(folder: Path) -> str:
    """The pinned packages into `folder`; why not, in words, where they cannot be had."""
    if not shutil.which("npm") or not shutil.which("node"):
        return "there is no npm on this machine"
    for name in ("package.json", "package-lock.json", "sinch.js"):
        shutil.copy(HERE / name, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return "npm could not bring the packages in five minutes"
    if done.returncode:
        return done.stderr.strip()[-300:]
    # The client reads the version of a sister package, for its User-Agent alone; that one cannot be installed.
    sister = folder / "node_modules" / "@sinch" / "sdk-core"
    sister.mkdir(parents=True, exist_ok=True)
    (sister / "package.json").write_text('{"name": "@sinch/sdk-core", "version": "1.4.0"}')
    return ""


def pages(file: Path, count: int) -> bytes:
    sheets = [Image.new("1", (1728, 400), number % 2) for number in range(count)]
    sheets[0].save(file, "TIFF", compression="group4", save_all=True, append_images=sheets[1:])
    return file.read_bytes()


async def leave(sent: bytes) -> Permit:
    return Permit(float("inf"))


async def send_ours(channel: SinchChannel, document: bytes) -> str:
    parcel = Parcel(
        attempt_id="attempt-1",
        delivery_id="delivery-1",
        kind=Kind.FAX,
        address=NUMBER,
        recipient_name="Permanent Mission",
        sender_name="The Foundation",
        sender_address="letters@foundation.example",
        return_path="",
        subject="A letter",
        message_id="<1@foundation.example>",
        date=NOON,
        document=document,
        pages=3,
    )
    outcome = await channel.send(parcel, leave)
    assert outcome.verdict is Verdict.ACCEPTED, outcome
    return outcome.ref


async def client(folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    env = {"GIVEN": json.dumps(given), "PATH": os.environ["PATH"]}
    done = await asyncio.create_subprocess_exec("node", "sinch.js", cwd=folder, env=env, stdout=subprocess.PIPE)
    out, _ = await asyncio.wait_for(done.communicate(), 60)
    assert done.returncode == 0, "the vendor's client failed; its words are above"
    seen: dict[str, Any] = json.loads(out.splitlines()[-1])  # it logs into the same stream
    return seen


async def agree(folder: Path) -> list[str]:
    """What was compared; raises AssertionError at the first difference."""
    vendor, document = Sinch(lambda: NOON), pages(folder / "letter.tif", 3)
    async with vendor.server:
        channel = SinchChannel(Account(PROJECT, KEY, SECRET), "", now=lambda: NOON, url=vendor.url)
        ours = await send_ours(channel, document)
        given = {"url": vendor.url, "project": PROJECT, "key": KEY, "secret": SECRET, "to": NUMBER, "bad": BAD}
        given |= {"pages": base64.b64encode(document).decode(), "file": str(folder / "letter.tif"), "ours": ours}
        seen = await client(folder, given | {"callback": json.loads(vendor.callback(vendor.faxes[0], "end")[1])})
        told = await channel.ask("attempt-7", "")
        await channel.aclose()
    assert [fax.sha256 for fax in vendor.faxes] == [vendor.faxes[0].sha256] * 3
    assert [one["id"] for one in seen["sent"]] == [fax.id for fax in vendor.faxes[1:]]
    assert (told.verdict, told.ref) == (Verdict.ACCEPTED, seen["sent"][0]["id"])
    assert (seen["got"]["id"], seen["got"]["labels"]["dispatcher-attempt"]) == (ours, "attempt-1")
    assert seen["listed"] == [fax.id for fax in reversed(vendor.faxes)]
    assert "422" in seen["refused"], seen["refused"]
    assert seen["event"]["fax"]["id"] == ours
    assert vendor.faults == [], vendor.faults
    return [
        "what it sends, as JSON and as a form, our Sinch takes whole",
        "the channel finds by our reference what it has sent",
        "it gets and lists, page after page, what the channel has sent",
        "it reads our callback, and takes our refusal for one",
    ]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="dispatcher-vendors-") as folder:
        if reason := install(Path(folder)):
            print(f"SKIPPED: {reason}")
            return 0
        for line in asyncio.run(agree(Path(folder))):
            print(f"@sinch/fax 1.4.0: {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
