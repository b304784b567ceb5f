#!/usr/bin/python3
"""The rooms of the kernel and who may include whom, read from ci/rooms.txt.

As a program: `ci/rooms.py mk --arch A --abis LIST` prints make variables for every room that
exists in the tree (used by ci/kernel.mk). As a module: `load(root)` gives the rooms in order.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

LIBRARIES = ("fdt", "zlib", "zstd")
# Folders of a room that belong to one machine: only the one that is built counts.
MACHINES = {"riscv64", "hosted", "x86_64", "aarch64"}


class RoomsError(Exception):
    """A mistake in ci/rooms.txt, with file and line."""


@dataclasses.dataclass(frozen=True)
class Room:
    """One room: its name (`mem`, `fs/tmpfs`), folder, level and distribution libraries."""

    name: str
    folder: str
    level: int
    libraries: tuple[str, ...]

    @property
    def ident(self) -> str:
        """The name as a make variable or target may carry it."""
        return self.name.replace("/", "_")

    def sees(self, other: "Room") -> bool:
        """Whether this room may include public headers of the other one."""
        return other.level < self.level or other.name == self.name


def load(root: Path) -> list[Room]:
    """All rooms that exist in the tree at root, lowest level first."""
    file = root / "ci/rooms.txt"
    levels: list[tuple[int, str, tuple[str, ...]]] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        for word in line.split("#", 1)[0].split():
            name, *libraries = word.split("+")
            for library in libraries:
                if library not in LIBRARIES:
                    raise RoomsError(f"{file}:{number}: unknown library {library!r}")
            if any(name == seen for _, seen, _ in levels):
                raise RoomsError(f"{file}:{number}: room {name!r} is named twice")
            levels.append((number, name, tuple(libraries)))
    named = {name for _, name, _ in levels}
    rooms: list[Room] = []
    for level, name, libraries in levels:
        if name.endswith("/*"):
            base = name[:-2]
            found = sorted(p.name for p in (root / base).glob("*") if p.is_dir())
            names = [f"{base}/{n}" for n in found if f"{base}/{n}" not in named]
        else:
            names = [name]
        for one in names:
            folder = one if "/" in one else f"kernel/{one}"
            if (root / folder).is_dir():
                rooms.append(Room(one, folder, level, libraries))
    return rooms


def make_variables(rooms: list[Room], arch: str, machine: str, abis: list[str] | None, root: Path) -> str:
    """Make variables: ROOMS, and for each room DIR, SRCDIRS, INC and LIBS."""
    if abis is not None:
        have = {r.name for r in rooms}
        for abi in abis:
            if f"abi/{abi}" not in have:
                raise RoomsError(f"ABIS: there is no folder abi/{abi}")
        rooms = [r for r in rooms if not r.name.startswith("abi/") or r.name[4:] in abis]
    out = [f"ROOMS := {' '.join(r.ident for r in rooms)}"]
    out.append(f"ROOM_ABIS := {' '.join(r.name[4:] for r in rooms if r.name.startswith('abi/'))}")
    for room in rooms:
        includes: list[str] = []
        for other in rooms:
            if room.sees(other):
                includes.append(f"{other.folder}/include")
                if other.name == "arch":
                    includes.append(f"{other.folder}/{arch}/include")
        top = f"{room.folder}/{arch}" if room.name == "arch" else room.folder
        skip = {"include", "vdso", "host"} | MACHINES - {arch, machine}
        folders = [top]
        for path in sorted((root / top).rglob("*")):
            inner = path.relative_to(root / top).parts
            if path.is_dir() and not skip.intersection(inner):
                folders.append(str(path.relative_to(root)))
        out.append(f"ROOM_DIR_{room.ident} := {room.folder}")
        out.append(f"ROOM_SRCDIRS_{room.ident} := {' '.join(folders)}")
        out.append(f"ROOM_INC_{room.ident} := {' '.join(includes)}")
        out.append(f"ROOM_LIBS_{room.ident} := {' '.join(room.libraries)}")
    return "\n".join(out) + "\n"


def main() -> int:
    """Command line entry."""
    parser = argparse.ArgumentParser(description="print the kernel's rooms as make variables")
    parser.add_argument("what", choices=["mk", "list"])
    parser.add_argument("--arch", default="riscv64")
    parser.add_argument("--machine", help="what programs run on, if not the arch itself")
    parser.add_argument("--abis", help="ABI folders to build, separated by blanks (default: all)")
    args = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    try:
        rooms = load(root)
        if args.what == "list":
            for room in rooms:
                print(room.level, room.name, room.folder, *room.libraries)
        else:
            abis = args.abis.split() if args.abis else None
            sys.stdout.write(make_variables(rooms, args.arch, args.machine or args.arch, abis, root))
    except RoomsError as error:
        print(f"rooms: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
