"""Bytes → bytes that survive a power cut. Knows nothing of what they mean."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from midspec.core.errors import SetupError

# SQLite's write-ahead log and flock need one kernel that sees every user of a file.
NETWORK = frozenset(("nfs", "nfs3", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afs", "afpfs", "9p", "ceph", "lustre",
                     "beegfs", "gpfs", "glusterfs", "orangefs", "pvfs2", "panfs", "wekafs", "webdav", "davfs", "ocfs2",
                     "gfs2"))


def sync_file(path: Path) -> None:
    """Wait until a file's bytes are on the disk (not only in the disk's own cache, where the system can say so)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        _sync(handle)
    finally:
        os.close(handle)


def _sync(handle: int) -> None:
    full: int | None = getattr(fcntl, "F_FULLFSYNC", None)  # macOS: fsync alone leaves bytes in the drive's cache
    if full is None:
        os.fsync(handle)
    else:
        fcntl.fcntl(handle, full)


def write_file(path: Path, data: bytes) -> None:
    """Write a new file and wait until it is on the disk; the folder's entry is the caller's to sync."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view):]
        _sync(handle)
    finally:
        os.close(handle)


def sync_folders(folder: Path) -> None:
    """Sync the entries of a folder and of all folders in it, innermost first."""
    for place, _, _ in os.walk(folder, topdown=False):
        sync_file(Path(place))


@contextmanager
def writing(where: Path) -> Generator[None]:
    """Turn a full or failing disk into a sentence.

    Raises:
        SetupError: the operating system refused to write.
    """
    try:
        yield
    except OSError as error:
        raise SetupError(f"{error.filename or where}: {error.strerror or error}; nothing was published",
                         hint=f"free space or mend the disk under {where}, then start again") from error


def on_network_disk(path: Path) -> str | None:
    """The kind of network file system that ``path`` lies on ("nfs4"), or None for a local disk."""
    place = path.resolve()
    best, kind = -1, ""
    for mounted, system in _mounts():
        if place.is_relative_to(mounted) and len(mounted.parts) >= best:
            best, kind = len(mounted.parts), system
    remote = kind in NETWORK or kind.startswith(("fuse.sshfs", "fuse.gluster", "fuse.s3", "fuse.gcs", "fuse.rclone"))
    return kind if remote else None


def _mounts() -> Iterator[tuple[Path, str]]:
    """(mount point, kind of file system), later ones hide earlier ones."""
    table = Path("/proc/self/mounts")
    if table.exists():
        for line in table.read_bytes().splitlines():
            point, system = line.split(b" ")[1:3]
            # The kernel writes a blank in a path as \040.
            yield Path(os.fsdecode(point.decode("unicode_escape").encode("latin-1"))), os.fsdecode(system)
        return
    # macOS: "host:/share on /Volumes/share (nfs, asynchronous)"
    shown = subprocess.run(["mount"], capture_output=True, text=True, check=False).stdout
    for line in shown.splitlines():
        before, _, options = line.rpartition(" (")
        yield Path(before.partition(" on ")[2]), options.split(",")[0].strip(")")
