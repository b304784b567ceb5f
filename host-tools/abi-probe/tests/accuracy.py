#!/usr/bin/python3
"""Predicted calls against recorded ones: recall and precision per program.

    accuracy.py [--probe PROGRAM] [--root DIR] [--traces DIR] [--min N] [--verbose]

Every recorded call is charged to the program image that its process was running. Exit status 1 if a call was made that was not
predicted, or if fewer than N programs were recorded.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

TREE = Path(__file__).resolve().parents[3]
LINE = re.compile(rb"^(\d+) +(?:<\.\.\. )?([a-z_0-9]+)(?:\(| resumed>)")
NEW = re.compile(rb"^(\d+) +(?:<\.\.\. )?(?:clone|clone3|fork|vfork)(?:\(| resumed>).* = (\d+)(?: |$)")
NUMBERS = {"syscall_0x102": "riscv_hwprobe"}  # calls that strace has no name for
EXEC = re.compile(rb'^(\d+) +execve\("((?:[^"\\]|\\.)*)"')


def images(log: Path) -> dict[str, set[str]]:
    """Program image -> names of the calls that its processes made."""
    lines = log.read_bytes().split(b"\n")
    parent = {m.group(2): m.group(1) for m in map(NEW.match, lines) if m}
    image: dict[bytes, str] = {}
    waiting: dict[bytes, str] = {}
    made: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        match = LINE.match(line)
        if not match:
            continue
        pid, name = match.group(1), match.group(2).decode()
        if pid not in image and pid in parent and parent[pid] in image:
            image[pid] = image[parent[pid]]
        started = EXEC.match(line)
        if started:
            waiting[pid] = started.group(2).decode("utf-8", "replace")
        if pid in image:
            made[image[pid]].add(NUMBERS.get(name, name))
        if name == "execve" and line.rstrip().endswith(b" = 0") and pid in waiting:
            image[pid] = waiting.pop(pid)
    return made


def probe(program: Path, root: Path, paths: list[str]) -> dict[str, dict]:
    """abi-probe's JSON for files of the root."""
    out = subprocess.run([program, "--root", root, "--json", *paths], stdout=subprocess.PIPE, check=False).stdout
    return {entry["file"]: entry for entry in json.loads(out)["files"]}


def main() -> int:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--probe", type=Path, default=TREE / "build/host/abi-probe")
    parser.add_argument("--root", type=Path, default=TREE / "build/probe/root")
    parser.add_argument("--traces", type=Path, default=TREE / "build/probe/traces")
    parser.add_argument("--min", type=int, default=40)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    made: dict[str, set[str]] = defaultdict(set)
    for log in sorted(args.traces.glob("*.strace")):
        for path, calls in images(log).items():
            real = (args.root / path.lstrip("/")).resolve() if (args.root / path.lstrip("/")).exists() else None
            if real and real.read_bytes()[:4] == b"\x7fELF":
                made["/" + str(real.relative_to(args.root.resolve()))] |= calls
    predicted = probe(args.probe, args.root.resolve(), sorted(made))
    missed = total = guessed = 0
    for path in sorted(made):
        entry = predicted.get(path, {})
        names = {call["name"] for level in entry.get("calls", {}).values() for call in level}
        lost = made[path] - names
        total += len(made[path])
        missed += len(lost)
        guessed += len(names)
        if lost or args.verbose:
            print(f"{path}: made {len(made[path])}, predicted {len(names)}, unresolved {len(entry.get('unresolved', []))}"
                  f"{', missed ' + ' '.join(sorted(lost)) if lost else ''}")
    print(f"{len(made)} programs, {total} calls made (distinct, per program): recall {100 * (total - missed) / max(total, 1):.2f} %, "
          f"precision {100 * (total - missed) / max(guessed, 1):.1f} %")
    return 1 if missed or len(made) < args.min else 0


if __name__ == "__main__":
    sys.exit(main())
