"""Refuses a SQLite database on a network file system: locks and fsync do not hold there (sqlite.org/faq, Q5)."""

from __future__ import annotations

import re
from pathlib import Path

from dispatcher.domain.errors import Problem, SettingsError

#: Linux: one line a mount; field 2 is where, field 3 is the type (proc(5)).
MOUNTS = Path("/proc/self/mounts")
#: File systems whose files are on another machine, or on the machine around this virtual one.
_NETWORK = frozenset(
    {
        "9p",
        "acfs",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "orangefs",
        "pvfs2",
        "smb2",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
    }
)
#: Programs behind a FUSE mount that do the same ('fuse.sshfs').
_FUSE = frozenset(
    {
        "blobfuse",
        "blobfuse2",
        "ceph",
        "ceph-fuse",
        "cifs",
        "curlftpfs",
        "davfs",
        "davfs2",
        "gcsfuse",
        "glusterfs",
        "goofys",
        "grpcfuse",
        "juicefs",
        "mfs",
        "mountpoint-s3",
        "nfs",
        "osxfs",
        "rclone",
        "s3fs",
        "seaweedfs",
        "smbnetfs",
        "sshfs",
        "vmhgfs-fuse",
    }
)
_OCTAL = re.compile(r"\\([0-7]{3})")


def require_local_disk(database: Path, mounts: str | None = None) -> None:
    """Raises SettingsError (E_DB_NETFS) when the file would lie on a network file system.

    `mounts` has the form of /proc/self/mounts; without it the machine's own is read. Where there is none, nothing is
    known and nothing is refused.
    """
    if mounts is None:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape") if MOUNTS.exists() else ""
    where, kind = _mount_of(database.resolve(), mounts)
    if is_network(kind):
        raise SettingsError(
            Problem(
                "database.url",
                f"{database} would lie on a network file system ({kind} at {where}), where SQLite loses data",
                "Move the database to a local disk, or use PostgreSQL for several machines",
                "E_DB_NETFS",
            )
        )


def is_network(kind: str) -> bool:
    """Whether files on a mount of this type are somewhere else."""
    return kind in _NETWORK or (kind.removeprefix("fuse.") in _FUSE and kind.startswith("fuse."))


def _mount_of(path: Path, mounts: str) -> tuple[str, str]:
    """(where, type) of the mount that holds `path`: the deepest, and of several in one place the last."""
    found = ("", "")
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) > 2:
            where = _OCTAL.sub(lambda code: chr(int(code[1], 8)), fields[1])
            if path.is_relative_to(where) and len(where) >= len(found[0]):
                found = (where, fields[2])
    return found
