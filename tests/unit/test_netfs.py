"""A SQLite database on a network file system is refused, by what the system says of its mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.domain.errors import SettingsError
from dispatcher.store import netfs
from dispatcher.store.netfs import require_local_disk

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
tmpfs /run tmpfs rw 0 0
server:/export /srv/nfs nfs4 rw,vers=4.2 0 0
//server/share /srv/office\\040share cifs rw 0 0
ada@host:/ /home/ada/remote fuse.sshfs rw 0 0
/dev/sdb1 /srv/nfs/local xfs rw 0 0
/dev/sdc1 /mnt/stick fuseblk rw 0 0
C: /mnt/c 9p rw 0 0
overlay /over overlay rw 0 0
server:/x /over nfs rw 0 0
"""


@pytest.mark.parametrize(
    "path",
    [
        "/srv/nfs/var/dispatcher.db",
        "/srv/office share/dispatcher.db",
        "/home/ada/remote/d.db",
        "/mnt/c/Users/ada/d.db",
        "/over/d.db",
    ],
)
def test_a_network_file_system_is_refused_with_the_way_out(path: str) -> None:
    with pytest.raises(SettingsError, match=r"E_DB_NETFS .* Move the database to a local disk, or use PostgreSQL"):
        require_local_disk(Path(path), MOUNTS)


@pytest.mark.parametrize(
    "path", ["/var/lib/d.db", "/srv/nfs/local/d.db", "/srv/nfsx/d.db", "/mnt/stick/d.db", "/run/d.db"]
)
def test_a_local_disk_is_taken(path: str) -> None:
    require_local_disk(Path(path), MOUNTS)


def test_where_nothing_is_known_nothing_is_refused() -> None:
    require_local_disk(Path("/srv/nfs/d.db"), "")


def test_the_machines_own_mounts_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_local_disk(tmp_path / "d.db")
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/home {tmp_path} nfs4 rw 0 0\n", "utf-8")
    monkeypatch.setattr(netfs, "MOUNTS", mounts)
    with pytest.raises(SettingsError, match="E_DB_NETFS"):
        require_local_disk(tmp_path / "d.db")
