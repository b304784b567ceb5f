#!/usr/bin/python3
"""Which room includes which: print the table of edges, fail on one that runs the wrong way.

The order of the rooms is ci/rooms.txt. Also refused: includes that climb out of a room with "..",
and kernel headers in userland/, harness/guest and host-tools/ (host-tools/abi-probe may compile the
kernel's binary detection, and so include <exec/...> headers).
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from rooms import Room, RoomsError, load  # noqa: E402

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
OUTSIDE = ("userland", "harness/guest", "host-tools")


def sources(folder: Path) -> list[Path]:
    """C and assembly files below a folder."""
    return sorted(p for p in folder.rglob("*") if p.suffix in (".c", ".h", ".S") and p.is_file())


def includes(path: Path) -> list[tuple[int, str, str]]:
    """(line, bracket, name) of each include."""
    out = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            out.append((number, match.group(1), match.group(2)))
    return out


def owners(root: Path, rooms: list[Room]) -> dict[str, Room]:
    """Header prefix (the folder below include/) -> room."""
    found: dict[str, Room] = {}
    for room in rooms:
        for include in (root / room.folder).rglob("include"):
            for entry in include.iterdir() if include.is_dir() else ():
                if entry.is_dir():
                    found[entry.name] = room
    return found


def main() -> int:
    """Command line entry."""
    parser = argparse.ArgumentParser(description="check the direction of includes")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    root = parser.parse_args().root
    try:
        rooms = load(root)
    except RoomsError as error:
        print(f"lint: {error}", file=sys.stderr)
        return 1
    prefix = owners(root, rooms)
    edges: dict[str, dict[str, int]] = {room.name: defaultdict(int) for room in rooms}
    errors: list[str] = []
    for room in rooms:
        for path in sources(root / room.folder):
            for line, _, name in includes(path):
                where = f"{path.relative_to(root)}:{line}"
                if ".." in name.split("/"):
                    if not (path.parent / name).resolve().is_relative_to((root / room.folder).resolve()):
                        errors.append(f"{where}: an include must not climb out of its room: {name}")
                    continue
                owner = prefix.get(name.split("/")[0]) if "/" in name else None
                if owner is None or owner.name == room.name:
                    continue
                edges[room.name][owner.name] += 1
                if not room.sees(owner):
                    errors.append(f"{where}: {room.name} may not include <{name}>")
    for outside in OUTSIDE:
        own = [p for p in (root / outside).rglob("include") if p.is_dir()]  # their headers may bear the same names
        for path in sources(root / outside) if (root / outside).is_dir() else ():
            for line, _, name in includes(path):
                owner = prefix.get(name.split("/")[0]) if "/" in name else None
                if owner is not None and not (outside == "host-tools" and owner.name == "exec") and not any(
                        (folder / name).is_file() for folder in own):
                    errors.append(f"{path.relative_to(root)}:{line}: {outside} must not include kernel headers: {name}")
                if ".." in name.split("/"):
                    errors.append(f"{path.relative_to(root)}:{line}: an include must not climb out of its folder: {name}")
    for room in rooms:
        used = sorted(edges[room.name].items(), key=lambda e: [r.name for r in rooms].index(e[0]))
        print(f"{room.name:12} -> {' '.join(f'{name}({count})' for name, count in used) or '-'}")
    for error in errors:
        print(f"lint: {error}", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
