"""Build the small programs in harness/guest for the Linux ABI on riscv64, without any library."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.machine import ROOT

SOURCES = ROOT / "harness/guest"
OUT = ROOT / "build/guest"
FLAGS = ["--target=riscv64-linux-gnu", "-march=rv64gc", "-mabi=lp64d", "-std=c23", "-O2", "-Wall", "-Wextra", "-Werror",
         "-ffreestanding", "-fno-pic", "-fno-stack-protector", "-nostdlib", "-static", "-fuse-ld=lld-19",
         "-Wl,--build-id=none", "-Wl,-z,max-page-size=4096"]


def build(name: str) -> Path:
    """The program of harness/guest/NAME.c, built if its sources are newer."""
    source, out = SOURCES / f"{name}.c", OUT / name
    newest = max(p.stat().st_mtime for p in (source, SOURCES / "start.h"))
    if not out.is_file() or out.stat().st_mtime < newest:
        OUT.mkdir(parents=True, exist_ok=True)
        subprocess.run(["clang-19", *FLAGS, "-o", str(out), str(source)], check=True)
    return out
