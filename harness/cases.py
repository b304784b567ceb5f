"""Cases: one command line each, with what it has to print and its status.

A case file may hold one script (`scripts/NAME.sh`) or many short ones (`scripts/NAME.cases`, each
introduced by a line `## case: NAME`; a line `## program: NAME` before the first gives them the program of
harness/guest/NAME in /usr/bin). What a case must print is what the same image printed on real
Linux, recorded in `recorded/FILE.txt` by `make record`; nobody types expectations.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

CONFORMANCE = Path(__file__).resolve().parent / "conformance"
SCRIPTS = CONFORMANCE / "scripts"
RECORDED = CONFORMANCE / "recorded"
_PROGRAM = re.compile(rb"^## program: ([a-z0-9_-]+)\n", re.MULTILINE)
_CASE = re.compile(rb"^## case: ([a-z0-9_-]+)\n", re.MULTILINE)
_HEAD = re.compile(rb"^## result: ([a-z0-9_-]+) status (\d+) bytes (\d+)\n", re.MULTILINE)


class CaseError(Exception):
    """A mistake in a case file or a recording."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A command line with a name that is unique in the run."""

    name: str
    command: bytes
    tty: bool = False
    program: str = ""  # of harness/guest, which it needs


@dataclasses.dataclass(frozen=True)
class Result:
    """What a command line printed, and its status."""

    output: bytes
    status: int


def load(path: Path) -> list[Case]:
    """The cases of one file."""
    data = path.read_bytes()
    if path.suffix == ".sh":
        return [Case(path.stem, data)]
    parts = _CASE.split(data)
    if len(parts) < 3:
        raise CaseError(f"{path}: no line '## case: NAME'")
    needed = _PROGRAM.search(parts[0])
    program = needed[1].decode() if needed else ""
    cases = [Case(f"{path.stem}.{name.decode()}", body, program=program) for name, body in zip(parts[1::2], parts[2::2])]
    names = [c.name for c in cases]
    for name in names:
        if names.count(name) > 1:
            raise CaseError(f"{path}: case {name} appears twice")
    return cases


def load_all() -> list[Case]:
    """Every case of the corpus, file by file."""
    return [case for path in sorted(SCRIPTS.iterdir()) if path.suffix in (".sh", ".cases") for case in load(path)]


def recording(case: Case) -> Path:
    """The file with this case's recorded result."""
    return RECORDED / f"{case.name.split('.')[0]}.txt"


def write_results(path: Path, results: dict[str, Result]) -> None:
    """Write the results of one file's cases; output that lacks a final newline gets one, uncounted."""
    out = bytearray()
    for name, result in results.items():
        short = name.rsplit(".", 1)[-1]
        out += b"## result: %s status %d bytes %d\n" % (short.encode(), result.status, len(result.output))
        out += result.output
        if not result.output.endswith(b"\n"):
            out += b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(out))


def read_results(path: Path) -> dict[str, Result]:
    """The recorded results of one file, by the case's short name."""
    data = path.read_bytes()
    results: dict[str, Result] = {}
    at = 0
    while at < len(data):
        head = _HEAD.match(data, at)
        if not head:
            raise CaseError(f"{path}: byte {at}: not a result line")
        size = int(head.group(3))
        body = data[head.end() : head.end() + size]
        results[head.group(1).decode()] = Result(body, int(head.group(2)))
        at = head.end() + size + (0 if body.endswith(b"\n") else 1)
    return results


def expected(case: Case) -> Result | None:
    """What real Linux gave for this case, if that was recorded."""
    path = recording(case)
    return read_results(path).get(case.name.rsplit(".", 1)[-1]) if path.is_file() else None
