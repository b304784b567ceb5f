"""Build unit tests: harness/unit/NAME_test.c and the kernel sources its first line names, for the host.

AddressSanitizer and UndefinedBehaviorSanitizer are on, and every report ends the program.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path

from harness.machine import ROOT

FOLDER = ROOT / "harness/unit"
OUT = ROOT / "build/unit"
GEN = ROOT / "build/debug/gen"
_SOURCES = re.compile(r"^(?://|/\*) ?sources:(.*?)(?:\*/)?$")
_INCLUDE = re.compile(r"^(?://|/\*) ?include:(.*?)(?:\*/)?$")


class UnitError(Exception):
    """A test that cannot be built, with the reason."""


def tests() -> list[Path]:
    """All unit tests of the tree."""
    return sorted(FOLDER.glob("*_test.c"))


def _words(test: Path, pattern: re.Pattern[str]) -> list[str] | None:
    """The words behind such comments among a test's first lines, or None if it has no such comment."""
    found = [match.group(1).split() for line in test.read_text(encoding="utf-8").split("\n", 4)[:4] if (match := pattern.match(line))]
    return sum(found, []) if found else None


def sources(test: Path) -> list[Path]:
    """The kernel sources that a test names at its beginning."""
    words = _words(test, _SOURCES)
    if words is None:
        raise UnitError(f"{test}:1: the first line must be '// sources: kernel/...'")
    out: list[Path] = []
    for word in words:
        base, name = (GEN, word.removeprefix("gen/")) if word.startswith("gen/") else (ROOT, word)
        found = sorted(p for p in base.glob(name) if p.is_file())
        if not found:
            raise UnitError(f"{test}:1: there is no {word}")
        out += found
    return out


def includes(test: Path) -> tuple[Path, ...]:
    """Folders that come before all others for this test."""
    return tuple(ROOT / word for word in _words(test, _INCLUDE) or ())


def include_flags(first: tuple[Path, ...]) -> list[str]:
    """The test's own folders and host substitutes first, then every room's public headers, then what the tables generate."""
    folders = [*first, FOLDER / "host", *sorted((ROOT / "kernel").glob("*/include")), *sorted((ROOT / "fs").glob("*/include")),
               *sorted((ROOT / "abi").glob("*/include")), GEN / "common", *sorted(GEN.glob("*/")),
               ROOT / "build/ext/fdt"]
    return [f"-I{f}" for f in folders]


def flags(source: Path, first: tuple[Path, ...]) -> list[str]:
    """How one file is compiled; kernel sources are freestanding there and hosted here."""
    base = ["-std=c23", "-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize=function",
            "-fno-sanitize-recover=all", "-DCONFIG_DEBUG=1", "-Wall", "-Wextra", "-Werror", "-fno-strict-aliasing"]
    if source.is_relative_to(ROOT / "kernel") or source.is_relative_to(ROOT / "fs") or source.is_relative_to(ROOT / "abi"):
        base += ["-fno-builtin"]
    return base + include_flags(first)


def _stale(obj: Path, source: Path, command: list[str]) -> bool:
    dep, cmd = obj.with_suffix(".d"), obj.with_suffix(".cmd")
    if not obj.is_file() or not dep.is_file() or not cmd.is_file() or cmd.read_text() != json.dumps(command):
        return True
    stamp = obj.stat().st_mtime
    names = dep.read_text().replace("\\\n", " ").split(":", 1)[1].split()
    return any(not Path(n).is_file() or Path(n).stat().st_mtime > stamp for n in names)


def build(test: Path) -> Path:
    """Compile and link one test; only what changed. UnitError carries the compiler's words."""
    objects: list[str] = []
    first = includes(test)
    folder = OUT / "obj" / hashlib.sha256(json.dumps([str(f) for f in first]).encode()).hexdigest()[:8]
    for source in [test, *sources(test)]:
        rel = source.relative_to(ROOT)
        obj = folder / (str(rel).replace("/", "_") + ".o")
        obj.parent.mkdir(parents=True, exist_ok=True)
        command = ["clang-19", *flags(source, first), "-MMD", "-c", str(source), "-o", str(obj)]
        if _stale(obj, source, command):
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
            if done.returncode:
                raise UnitError(done.stderr)
            obj.with_suffix(".cmd").write_text(json.dumps(command))
        objects.append(str(obj))
    program = OUT / test.stem
    done = subprocess.run(["clang-19", "-fsanitize=address,undefined", "-o", str(program), *objects, "-lcmocka"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnitError(done.stderr)
    return program
