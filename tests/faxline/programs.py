"""What the line is made of, out of Debian: installed where that is allowed, else the reason why not."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

#: Program → package. A mail transport comes first: hylafax-server would bring a large one of its own.
NEEDED = {
    "/usr/sbin/sendmail": "msmtp-mta",
    "/usr/sbin/hfaxd": "hylafax-server",
    "/usr/bin/faxstat": "hylafax-client",
    "/usr/bin/iaxmodem": "iaxmodem",
    "/usr/share/doc/libspandsp2": "libspandsp2",  # the line of our own gateway, which is tested here too
    "/usr/bin/tiffinfo": "libtiff-tools",
    "/usr/bin/gs": "ghostscript",
    "/usr/bin/tesseract": "tesseract-ocr",
    "/usr/share/tesseract-ocr/5/tessdata/eng.traineddata": "tesseract-ocr-eng",
}
#: HylaFAX's own programs; those in /usr/sbin are partly wrappers, which a signal does not go through.
HYLAFAX = Path("/usr/lib/hylafax/bin")
_PATIENCE = 600


class Missing(Exception):
    """The line cannot be had here; says why."""


def install() -> str:
    """Everything that is needed; what is there now. Raises Missing."""
    if os.geteuid() != 0:
        raise Missing("this needs root: the modems are devices, and HylaFAX runs as a user of its own")
    absent = [package for program, package in NEEDED.items() if not Path(program).exists()]
    if absent:
        if shutil.which("apt-get") is None:
            raise Missing(f"this is no Debian, and these are absent: {', '.join(absent)}")
        try:
            _apt("install", "-y", "-qq", "--no-install-recommends", *absent)
        except Missing:
            _apt("update", "-qq")  # the lists may be absent, or name releases that are gone
            _apt("install", "-y", "-qq", "--no-install-recommends", *absent)
    still = [package for program, package in NEEDED.items() if not Path(program).exists()]
    if still:
        raise Missing(f"Debian's packages are other ones here; these lack what is needed: {', '.join(still)}")
    return ", ".join(f"{name} {_version(name)}" for name in ("hylafax-server", "iaxmodem", "tesseract-ocr"))


def _apt(*words: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["apt-get", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as fault:
        raise Missing(f"apt-get {words[0]} took longer than {_PATIENCE} s") from fault
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise Missing(f"apt-get {words[0]}: {lines[-1]}")


def _version(package: str) -> str:
    command = ["dpkg-query", "-W", "-f", "${Version}", package]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
