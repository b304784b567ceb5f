"""Build the small programs in harness/guest without any library: for the Linux ABI, or one source for each ABI, on the chosen platform's machine."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from harness import machine
from harness.machine import ROOT

SOURCES = ROOT / "harness/guest"
TARGET = {
    "riscv64": ["--target=riscv64-linux-gnu", "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-mno-relax"],
    "x86_64": ["--target=x86_64-linux-gnu", "-march=x86-64", "-fno-asynchronous-unwind-tables"],
}
EMULATION = {"riscv64": "elf64lriscv", "x86_64": "elf_x86_64"}
XV6_BASE = {"riscv64": "0", "x86_64": "0x10000"}  # docs/decisions/two-abis-on-x86-64.md
FLAGS = ["-std=c23", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-ffreestanding", "-fno-pic", "-fno-common", "-fno-stack-protector"]
LINK = ["ld.lld-19", "-static", "--build-id=none", "-z", "max-page-size=4096", "-z", "nognustack"]
NATIVE_MARK = 83  # EI_OSABI of native programs
ABIS = ("linux", "xv6", "native")


def out() -> Path:
    """Where the programs for the chosen platform's machine come to lie."""
    return ROOT / "build/guest" / machine.chosen().isa


def generated() -> Path:
    """What the tables generate for the chosen platform's kernel."""
    return (machine.chosen().kernel or machine.scarlet_kernel()).parent / "gen"


def compiler() -> list[str]:
    """The compiler with what all programs are compiled with: they find the calls' numbers in what the tables generate."""
    return ["clang-19", *TARGET[machine.chosen().isa], *FLAGS, f"-I{out()}", f"-I{generated()}/linux", f"-I{machine.chosen().userland}/gen"]


@functools.cache
def build_for(name: str, abi: str) -> Path:
    """harness/guest/NAME.c as a program of an ABI, compiled with -DABI_...; `make userland` came before if it includes what the tables generate."""
    isa = machine.chosen().isa
    source, program = SOURCES / f"{name}.c", out() / f"{name}-{abi}"
    out().mkdir(parents=True, exist_ok=True)
    part = out() / f"{program.name}.{os.getpid()}"  # others may be building it as well
    subprocess.run([*compiler(), "-O1", f"-DABI_{abi.upper()}", "-c", str(source), "-o", f"{part}.o"], check=True)
    # xv6's programs begin at one address with code and data in one segment; the others lie where the linker puts them.
    place = [f"-Ttext={XV6_BASE[isa]}", "--no-rosegment", "-N"] if abi == "xv6" else []
    subprocess.run([*LINK, "-m", EMULATION[isa], "--no-relax", *place, "-o", str(part), f"{part}.o"], check=True)
    if abi == "native":
        mark_native(part, part)
    part.with_name(f"{part.name}.o").unlink()
    return part.replace(program)


def install(name: str, root: Path) -> None:
    """The program of all three ABIs in the places of an overlay where their views have their programs."""
    for abi, place in (("linux", "usr/bin"), ("xv6", f"system/xv6-{machine.chosen().isa}"), ("native", "system/scarlet/bin")):
        (root / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(build_for(name, abi), root / place / name)


def build(name: str) -> Path:
    """The program of harness/guest/NAME.c, or of all sources in harness/guest/NAME, built if its sources are newer."""
    place, program = SOURCES / name, out() / name
    sources = sorted(place.glob("*.c")) if place.is_dir() else [SOURCES / f"{name}.c"]
    newest = max(p.stat().st_mtime for p in (*sources, *place.glob("*.h"), *SOURCES.glob("*.h"), *out().glob(f"{name}_table.h")))
    if not program.is_file() or program.stat().st_mtime < newest:
        out().mkdir(parents=True, exist_ok=True)
        part = out() / f"{name}.{os.getpid()}"
        subprocess.run([*compiler(), "-O2", f"-I{SOURCES}", "-nostdlib", "-static", "-fuse-ld=lld-19", "-Wl,--build-id=none", "-Wl,-z,max-page-size=4096",
                        "-o", str(part), *map(str, sources)], check=True)
        part.replace(program)
    return program


def overlay(names: Iterable[str]) -> Path:
    """A folder to be laid over the root, with these programs in usr/bin."""
    names = sorted(names)
    root = out() / "-".join(["overlay", *names])
    (root / "usr/bin").mkdir(parents=True, exist_ok=True)
    for name in names:
        part = root / f"{name}.{os.getpid()}"  # others may be copying it as well
        shutil.copy(build(name), part)
        part.replace(root / "usr/bin" / name)
    return root


def mark_native(program: Path, to: Path) -> None:
    """A copy that the native ABI takes for its own: OS/ABI byte 83 (userland/libscarlet/mark.py)."""
    data = bytearray(program.read_bytes())
    data[7] = NATIVE_MARK
    to.write_bytes(data)
    to.chmod(0o755)
