"""Build the small programs in harness/guest without any library: for the Linux ABI on riscv64, or one source for each ABI."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

from harness.machine import ROOT

SOURCES = ROOT / "harness/guest"
OUT = ROOT / "build/guest"
FLAGS = ["--target=riscv64-linux-gnu", "-march=rv64gc", "-mabi=lp64d", "-std=c23", "-O2", "-Wall", "-Wextra", "-Werror",
         "-ffreestanding", "-fno-pic", "-fno-stack-protector", "-nostdlib", "-static", "-fuse-ld=lld-19",
         "-Wl,--build-id=none", "-Wl,-z,max-page-size=4096", f"-I{OUT}"]


BARE = ["--target=riscv64-unknown-elf", "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-mno-relax", "-std=c23", "-O1", "-ffreestanding",
        "-fno-common", "-fno-stack-protector", "-fno-pic", "-nostdlib", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function",
        "-I", str(ROOT / "build/userland/gen")]
LINK = ["ld.lld-19", "-m", "elf64lriscv", "-static", "--no-relax", "--build-id=none", "-z", "max-page-size=4096", "-z", "nognustack"]
NATIVE_MARK = 83  # EI_OSABI of native programs
ABIS = ("linux", "xv6", "native")


@functools.cache
def build_for(name: str, abi: str) -> Path:
    """harness/guest/NAME.c as a program of an ABI, compiled with -DABI_...; `make userland` came before if it includes what the tables generate."""
    source, out = SOURCES / f"{name}.c", OUT / f"{name}-{abi}"
    OUT.mkdir(parents=True, exist_ok=True)
    subprocess.run(["clang-19", *BARE, f"-DABI_{abi.upper()}", "-c", str(source), "-o", f"{out}.o"], check=True)
    # xv6's programs begin at address 0 with code and data in one segment; the others lie where the linker puts them.
    place = ["-Ttext=0", "--no-rosegment", "-N"] if abi == "xv6" else []
    subprocess.run([*LINK, *place, "-o", str(out), f"{out}.o"], check=True)
    if abi == "native":
        data = bytearray(out.read_bytes())
        data[7] = NATIVE_MARK
        out.write_bytes(data)
    return out


def install(name: str, root: Path) -> None:
    """The program of all three ABIs in the places of an overlay where their views have their programs."""
    for abi, place in (("linux", "usr/bin"), ("xv6", "system/xv6-riscv64"), ("native", "system/scarlet/bin")):
        (root / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(build_for(name, abi), root / place / name)


def build(name: str) -> Path:
    """The program of harness/guest/NAME.c, built if its sources are newer."""
    source, out = SOURCES / f"{name}.c", OUT / name
    newest = max(p.stat().st_mtime for p in (source, *SOURCES.glob("*.h"), *OUT.glob(f"{name}_table.h")))
    if not out.is_file() or out.stat().st_mtime < newest:
        OUT.mkdir(parents=True, exist_ok=True)
        subprocess.run(["clang-19", *FLAGS, "-o", str(out), str(source)], check=True)
    return out


def mark_native(program: Path, to: Path) -> None:
    """A copy that the native ABI takes for its own: OS/ABI byte 83 (userland/libscarlet/mark.py)."""
    data = bytearray(program.read_bytes())
    data[7] = 83
    to.write_bytes(data)
    to.chmod(0o755)
