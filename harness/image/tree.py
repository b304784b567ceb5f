"""Trees to lay over boot images: from a folder of the host. The root image itself is scarlet-pack's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from harness.image.cpio import Entry


class FolderError(Exception):
    """A folder that cannot be packed."""


def sort_key(name: str) -> tuple[str, ...]:
    """Parents before children, otherwise by name."""
    return tuple(name.strip("/").split("/"))


def from_folder(folder: Path) -> list[Entry]:
    """Everything below a host folder; hard links stay links, owners become root."""
    if not folder.is_dir():
        raise FolderError(f"{folder}: not a folder")
    entries: list[Entry] = []
    linked: dict[tuple[int, int], list[str]] = {}
    for path in sorted(folder.rglob("*"), key=lambda p: sort_key(str(p.relative_to(folder)))):
        name = "/" + str(path.relative_to(folder))
        info = path.lstat()
        if stat.S_ISLNK(info.st_mode):
            entries.append(Entry(name, info.st_mode, os.readlink(path).encode()))
        elif stat.S_ISREG(info.st_mode):
            key = (info.st_dev, info.st_ino)
            if info.st_nlink > 1 and key in linked:
                linked[key].append(name)
                continue
            linked[key] = []
            entries.append(Entry(name, info.st_mode, path.read_bytes()))
        elif stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
            device = (os.major(info.st_rdev), os.minor(info.st_rdev))
            entries.append(Entry(name, info.st_mode, device=device))
        elif stat.S_ISDIR(info.st_mode) or stat.S_ISFIFO(info.st_mode):
            entries.append(Entry(name, info.st_mode))
    extra = {e.name: tuple(n for names in linked.values() for n in names if _same(folder, e.name, n))
             for e in entries if stat.S_ISREG(e.mode)}
    return [Entry(e.name, e.mode, e.data, e.device, extra.get(e.name, ())) for e in entries]


def _same(folder: Path, a: str, b: str) -> bool:
    return a != b and os.path.samefile(folder / a[1:], folder / b[1:])
