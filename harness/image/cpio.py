"""Write cpio archives in the newc format, with file data aligned to pages.

Alignment is reached by padding the name field with NUL bytes, which the format counts in `namesize`
and every reader ends at the first NUL. A pad that would make the field longer than readers accept
(PATH_MAX, 4096) is split: a directory entry for "." takes up the space in front.

The same entries give the same bytes: owners are 0, times are 0 and inode numbers count up.
"""

from __future__ import annotations

import dataclasses
import stat
from collections.abc import Iterable

PAGE = 4096
HEADER = 110
NAME_MAX = 4096


class CpioError(Exception):
    """An entry that the format cannot hold."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One member: `mode` with its type bits; `data` of a file, or the target of a symbolic link."""

    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)
    links: tuple[str, ...] = ()  # further names of the same file (hard links)


def _round(n: int, to: int) -> int:
    return (n + to - 1) // to * to


class Writer:
    """Collects one archive."""

    def __init__(self, align: int = PAGE) -> None:
        self._out = bytearray()
        self._inode = 0
        self._align = align

    def _member(self, name: bytes, mode: int, inode: int, nlink: int, data: bytes,
                device: tuple[int, int], name_field: int) -> None:
        if len(data) > 0xFFFFFFFF:
            raise CpioError(f"{name.decode(errors='replace')}: larger than 4 GiB")
        fields = (inode, mode, 0, 0, nlink, 0, len(data), 0, 0, device[0], device[1], name_field, 0)
        self._out += b"070701" + b"".join(b"%08X" % f for f in fields)
        self._out += name.ljust(name_field, b"\0")
        self._out += bytes(_round(len(self._out), 4) - len(self._out))
        self._out += data
        self._out += bytes(_round(len(self._out), 4) - len(self._out))

    def _name_field(self, name: bytes, has_data: bool) -> int:
        """How long the name field must be for the data to start on the alignment."""
        plain = len(name) + 1
        if not has_data or self._align <= 4:
            return plain
        start = len(self._out)
        field = _round(start + HEADER + plain, self._align) - start - HEADER
        if field <= NAME_MAX:
            return field
        # Too long for one name: let a "." in front take half of the space.
        self._member(b".", stat.S_IFDIR | 0o755, 0, 2, b"", (0, 0), _round(field // 2, 4))
        return self._name_field(name, has_data)

    def add(self, entry: Entry) -> None:
        """Append one entry, and its hard links behind it."""
        names = [n.strip("/").encode() or b"." for n in (entry.name, *entry.links)]
        for name in names:
            if len(name) + 1 > NAME_MAX or b"\0" in name:
                raise CpioError(f"{entry.name}: not a name that the format can hold")
        self._inode += 1
        regular = stat.S_ISREG(entry.mode)
        nlink = 2 if stat.S_ISDIR(entry.mode) else len(names)
        # In newc the data stands with the last of several links.
        for name in names[:-1]:
            self._member(name, entry.mode, self._inode, nlink, b"", entry.device, len(name) + 1)
        field = self._name_field(names[-1], regular and bool(entry.data))
        self._member(names[-1], entry.mode, self._inode, nlink, entry.data, entry.device, field)

    def finish(self) -> bytes:
        """The archive, ended and padded to the alignment so that another may follow."""
        self._member(b"TRAILER!!!", 0, 0, 1, b"", (0, 0), 11)
        self._out += bytes(_round(len(self._out), max(self._align, 4)) - len(self._out))
        return bytes(self._out)


def archive(entries: Iterable[Entry], align: int = PAGE) -> bytes:
    """One archive of these entries, in this order."""
    writer = Writer(align)
    for entry in entries:
        writer.add(entry)
    return writer.finish()
