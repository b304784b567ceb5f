"""Hand-made newc archives, sound and nasty, independent of the tool under test."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Entry:
    """One header with everything that can be wrong in it."""

    name: bytes
    mode: int = 0o100644
    data: bytes = b""
    ino: int = 1
    nlink: int = 1
    magic: bytes = b"070701"
    size: int | None = None
    name_size: int | None = None
    check: int = 0
    rdev: tuple[int, int] = (0, 0)
    uid: int = 0


def pad(data: bytes, to: int = 4) -> bytes:
    """Filled up with zeroes."""
    return data + bytes(-len(data) % to)


def member(e: Entry) -> bytes:
    """The bytes of one entry."""
    field = e.name + b"\0"
    fields = (e.ino, e.mode, e.uid, 0, e.nlink, 0, len(e.data) if e.size is None else e.size, 0, 0, *e.rdev,
              len(field) if e.name_size is None else e.name_size, e.check)
    return pad(pad(e.magic + b"".join(b"%08X" % f for f in fields) + field) + e.data)


def archive(*entries: Entry, trailer: bool = True) -> bytes:
    """One archive."""
    return b"".join(map(member, entries)) + (member(Entry(b"TRAILER!!!", 0)) if trailer else b"")


def header_field(data: bytes, at: int, number: int, value: bytes) -> bytes:
    """A copy with one field of the header at `at` overwritten."""
    start = at + 6 + 8 * number
    return data[:start] + value + data[start + 8 :]


# name -> (bytes, part of the message): what every reader of ours must refuse with an offset.
DAMAGED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "offset 0: there is no archive"),
    "zeroes": (bytes(4096), "there is no archive"),
    "text": (b"hello, world\n" * 20, "offset 0: neither"),
    "odc": (b"070707" + b"0" * 200, "old kind"),
    "short header": (b"070701" + b"0" * 50, "ends here"),
    "not hexadecimal": (header_field(archive(Entry(b"a")), 0, 3, b"0000000g"), "offset 0: a field of the header"),
    "name size 0": (header_field(archive(Entry(b"a")), 0, 11, b"00000000"), "length of the name"),
    "name size huge": (header_field(archive(Entry(b"a")), 0, 11, b"FFFFFFFF"), "length of the name"),
    "name without end": (archive(Entry(b"abc", name_size=3)), "the name has no end"),
    "NUL in name": (archive(Entry(b"a\0b")), "contains a NUL"),
    "empty name": (archive(Entry(b"")), "the name is empty"),
    "upward": (archive(Entry(b"a/../../etc/passwd")), "leads upward"),
    "upward last": (archive(Entry(b"..", 0o040755)), "leads upward"),
    "long part": (archive(Entry(b"x" * 300)), "longer than 255"),
    "no type": (archive(Entry(b"a", 0o644)), "no known type"),
    "root is a file": (archive(Entry(b".", 0o100644, b"x")), "root is not a directory"),
    "empty link": (archive(Entry(b"l", 0o120777)), "target of a symbolic link"),
    "long link": (archive(Entry(b"l", 0o120777, b"x" * 5000)), "target of a symbolic link"),
    "directory with content": (archive(Entry(b"d", 0o040755, b"data")), "something that is no file"),
    "content past the end": (archive(Entry(b"a", size=0x7FFFFFFF)), "ends here"),
    "no trailer": (archive(Entry(b"a", data=b"x" * 100), trailer=False), "ends here"),
    "cut in content": (archive(Entry(b"a", data=b"x" * 10000))[:5000], "ends here"),
    "cut in name": (archive(Entry(b"a" * 200))[:150], "ends here"),
    "second archive damaged": (pad(archive(Entry(b"a")), 512) + b"0707", "offset 516: "),
    "rubbish behind": (pad(archive(Entry(b"a")), 512) + b"rubbish", "offset 512: neither"),
    "gzip damaged": (b"\x1f\x8b\x08\x00" + b"\xff" * 100, "of the gzip data at offset 0"),
    "zstd damaged": (b"\x28\xb5\x2f\xfd" + b"\xff" * 100, "of the zstd data at offset 0"),
}
