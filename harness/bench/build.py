"""Build what a benchmark run needs: kbench for the guest, the overlay that carries it, the profiler's plugin for QEMU."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from harness.machine import ROOT, MachineError

HERE = ROOT / "harness/bench"
OUT = ROOT / "build/bench"
CROSS = "riscv64-linux-gnu-gcc"
CROSS_LIBRARIES = Path("/usr/riscv64-linux-gnu/lib")
# What a dynamic program needs: its interpreter and the C library.
SHARED = ("ld-linux-riscv64-lp64d.so.1", "libc.so.6")

RUNTIME = b"kbench magic@0=7f6b62656e6368 linux-riscv64 /bench/kbench --true\n"


def _newer(out: Path, *sources: Path) -> bool:
    return out.is_file() and out.stat().st_mtime >= max(s.stat().st_mtime for s in sources)


def _run(argv: list[str], what: str) -> None:
    try:
        subprocess.run(argv, check=True)
    except FileNotFoundError as error:
        raise MachineError(f"{what}: {argv[0]} is missing (ci/setup bench installs it)") from error
    except subprocess.CalledProcessError as error:
        raise MachineError(f"{what}: {argv[0]} failed with status {error.returncode}") from error


def overlay() -> Path:
    """The folder laid over the root image.

    /bench/kbench, a dynamic /bench/true with the libraries it needs, programs of the other ABIs, a script, and a file for a runtime.
    """
    folder = OUT / "overlay"
    programs = folder / "bench"
    programs.mkdir(parents=True, exist_ok=True)
    kbench, sources = programs / "kbench", sorted(p for p in (HERE / "programs").glob("*.[ch]") if p.name != "true.c")
    if not _newer(kbench, *sources):
        _run([CROSS, "-O2", "-static", "-pthread", "-o", str(kbench), *(str(s) for s in sources if s.suffix == ".c")], "kbench")
    dynamic, source = programs / "true", HERE / "programs/true.c"
    if not _newer(dynamic, source):
        _run([CROSS, "-O2", "-o", str(dynamic), str(source)], "true")
    libraries = folder / "usr/lib"
    libraries.mkdir(parents=True, exist_ok=True)
    for name in SHARED:
        source = CROSS_LIBRARIES / name
        if not source.is_file():
            raise MachineError(f"{source} is missing (ci/setup bench installs it)")
        if not _newer(libraries / name, source):
            shutil.copyfile(source, libraries / name)
            (libraries / name).chmod(0o755)
    _run(["make", "-s", "--no-print-directory", "-C", str(ROOT), "bench-programs"], "programs of other ABIs")
    for name in ("native", "xv6"):
        if not _newer(programs / name, OUT / "programs" / name):
            shutil.copy(OUT / "programs" / name, programs / name)
    registry = folder / "system/etc/runtimes"
    registry.parent.mkdir(parents=True, exist_ok=True)
    _write(registry, (ROOT / "userland/image/etc/runtimes").read_bytes() + RUNTIME)
    _write(programs / "for-runtime", b"\x7fkbench\n")
    _write(programs / "script", b"#!/bench/kbench --true\n")
    return folder


def _write(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        path.write_bytes(content)
        path.chmod(0o755)


def plugin() -> Path:
    """The profiler's plugin."""
    out, source = OUT / "profile.so", HERE / "plugin/profile.c"
    if not _newer(out, source):
        OUT.mkdir(parents=True, exist_ok=True)
        _run(["clang-19", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(out), str(source)], "profile.so")
    return out
