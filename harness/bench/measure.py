"""The measurements: kbench under the instruction counter and on the clock, boot, memory, sizes. Nothing here prints or judges."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness import guestprog, machine
from harness.bench import build, guest
from harness.image import cpio
from harness.machine import ROOT

SEEDS = (1, 7, 42)
WALL_RUNS = 3
# Scaling: a run is good if others took at most this share of the host meanwhile; so often it is tried.
QUIET, SCALING_TRIES = 0.10, 6
TICK = 100                # instructions per tick of the guest's clock under -icount shift=0
MEMORY_KIB = 512 * 1024
IDLE_PROCESSES = 100
# Rows that need much memory get a machine of their own, where limits are out of the way.
LARGE = ("grow_process_50000", "grow_waiter_50000")
LARGE_MEMORY_GIB = 8
UNLIMITED = ("ulimit -u unlimited; for limit in kernel/pid_max=4194304 kernel/threads-max=200000 vm/max_map_count=200000; do "
             "echo ${limit#*=} >/proc/sys/${limit%=*}; done 2>/dev/null")
# Linux goes on with its start-up behind the first program; neither kernel shall pay for that in the first rows.
SETTLE = "sleep 3"
# Debian's overlay file system is a module that the boot image does not carry: measured once with it loaded, seed 1, same QEMU.
RECORDED = {"ovl_stat": 7200.0, "ovl_open_close": 14160.0, "ovl_copyup64k": 171474.0}

IMAGE_LOCK = ROOT / "build/image/root.lock"

Values = dict[str, float]
Skipped = dict[str, str]


def parse(text: str) -> tuple[Values, Skipped]:
    """kbench's lines: values by name, and why others were skipped."""
    values: Values = {}
    skipped: Skipped = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[1] == "SKIP":
            skipped[words[0]] = " ".join(words[2:])
        elif len(words) == 4 and words[2].startswith("ns/"):
            values[words[0]] = float(words[1])
    return values, skipped


class Subject:
    """One kernel under test. Linux's results are kept between runs: they depend on files that are part of the key alone."""

    def __init__(self, name: str, kernel: Path | None, overlay: Path) -> None:
        self.name = name
        self.linux = name == "linux"
        self._kernel = kernel
        self._overlay = overlay

    def machine(self, smp: int = 1, memory: str = "512M") -> machine.Machine:
        """A machine of this kernel."""
        return machine.Machine(on="linux" if self.linux else "scarlet", kernel=self._kernel, overlay=self._overlay, smp=smp, memory=memory)

    @property
    def image(self) -> Path:
        """The kernel's file."""
        return self.machine().kernel_file

    def run(self, command: str, extra: Sequence[str], smp: int = 1, key: str = "", memory: str = "512M") -> str:
        """The command's output; Linux's comes from the cache where the same run was done before."""
        if not self.linux:
            return guest.output(self.machine(smp, memory), command, extra)
        cache = build.OUT / "linux" / f"{self._fingerprint(command, extra, smp, key + memory)}.txt"
        if not cache.is_file():
            text = guest.output(self.machine(smp, memory), command, extra)
            cache.parent.mkdir(parents=True, exist_ok=True)
            cache.write_text(text)
        return cache.read_text()

    def _fingerprint(self, command: str, extra: Sequence[str], smp: int, key: str) -> str:
        version = subprocess.run([machine.QEMU, "--version"], check=True, capture_output=True, text=True).stdout
        parts: list[object] = [version, command, list(extra), smp, key]
        kernel = self.image.stat()
        parts += [kernel.st_size, int(kernel.st_mtime)]
        hashed = hashlib.sha256(json.dumps(parts).encode())
        # Of the image what Linux runs: packages and configuration, not the other systems' programs.
        image = [IMAGE_LOCK, *sorted(p for p in (ROOT / "userland/image").rglob("*") if p.is_file())]
        for path in [*image, *sorted(p for p in self._overlay.rglob("*") if p.is_file())]:
            hashed.update(path.read_bytes())
        return hashed.hexdigest()[:24]


def medians(runs: list[Values]) -> Values:
    """Of each row the median over the runs that have it."""
    names = {name: None for run in runs for name in run}
    return {name: statistics.median(run[name] for run in runs if name in run) for name in names}


def instructions(subject: Subject, rows: str, seeds: Sequence[int]) -> tuple[Values, Skipped]:
    """Instructions per operation, medians over the seeds; those for a large machine are left out."""
    runs, skipped = [], {}
    without = " ".join(f"'!{name}'" for name in LARGE) if "grow" in rows else ""
    for seed in seeds:
        values, skipped = parse(subject.run(f"{SETTLE}; /bench/kbench {rows} {without}", guest.icount(seed)))
        runs.append(values)
    result = medians(runs)
    if subject.linux:
        result |= {name: v for name, v in RECORDED.items() if name in skipped}
    return result, skipped


def wanted_large(rows: Sequence[str]) -> list[str]:
    """Which of the rows for a large machine are among those named."""
    return [name for name in LARGE if any(fnmatch.fnmatchcase(name, row) for row in rows)]


def large(subject: Subject, names: Sequence[str]) -> tuple[Values, Skipped]:
    """Rows that need a large machine, in instructions."""
    if not host_has_memory_for_large():
        return {}, {name: f"this host has no {LARGE_MEMORY_GIB} GiB to spare" for name in names}
    return parse(subject.run(f"{UNLIMITED}; {SETTLE}; /bench/kbench {' '.join(names)}", guest.icount(SEEDS[0]),
                             memory=f"{LARGE_MEMORY_GIB}G"))


def host_has_memory_for_large() -> bool:
    """Whether this host can hold the large machine."""
    found = re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text())
    return bool(found) and int(found[1]) >> 20 >= LARGE_MEMORY_GIB


def wall(subject: Subject, rows: str, smp: int = 1, runs: int = WALL_RUNS) -> Values:
    """Nanoseconds per operation on the host's clock, medians."""
    with guest.ahead_of_others():
        return medians([parse(subject.run(f"{SETTLE}; /bench/kbench {rows}", (), smp, f"run {i}"))[0] for i in range(runs)])


def scaling(subject: Subject, smp: int) -> tuple[Values, float]:
    """The rows of one and two processes on the clock, medians of three runs, and the largest share of the host that others took.

    A run of Scarlet's during which others took much is done again, a few times; with one hart they may have the rest of the host. Linux's
    operations take longer, so it does fewer; it settles first, while others may run, so its share says nothing.
    """
    runs: list[tuple[float, Values]] = []
    command = f"{SETTLE}; /bench/kbench 'par*'" if subject.linux else "/bench/kbench -s 1000 'par*'"
    tries = WALL_RUNS if subject.linux or smp == 1 else SCALING_TRIES
    while len([share for share, _ in runs if share <= QUIET]) < WALL_RUNS and len(runs) < tries:
        load = guest.HostLoad()
        with guest.ahead_of_others():
            text = subject.run(command, (), smp, f"run {len(runs)}")
        runs.append((load.others(), parse(text)[0]))
    best = sorted(runs, key=lambda run: run[0])[:WALL_RUNS]
    return medians([values for _, values in best]), best[-1][0]


def boot_instructions(subject: Subject) -> Values:
    """Instructions from power-on to the first instruction of the first program, and to a command of the shell that /init starts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image, serial = folder / "measure.cpio", folder / "serial"
        image.write_bytes(cpio.archive([
            cpio.Entry("/dev", 0o040755), cpio.Entry("/dev/console", 0o020600, device=(5, 1)),
            cpio.Entry("/init", 0o100755, guestprog.build("measure").read_bytes())]))
        argv = subject.machine().argv(image, machine.WORDS, machine.Console.NONE, [
            "-display", "none", "-monitor", "none", "-serial", f"file:{serial}", "-no-reboot", *guest.icount(1)])
        subprocess.run(argv, stdin=subprocess.DEVNULL, check=True, timeout=guest.TIMEOUT)
        words = serial.read_text(errors="replace").split()
        first = float(words[words.index("start") + 1]) * TICK
    shell = float(subject.run("/bench/kbench -t", guest.icount(1)).split()[0])
    return {"first_user_instruction": first, "shell_command": shell}


# What one process more takes; free memory itself says less, as kernels keep frames back in stocks.
PARTS = ("AnonPages:", "PageTables:", "KernelStack:", "Slab:")


def _meminfo(text: str) -> dict[str, int]:
    return {words[0]: int(words[1]) for words in (line.split() for line in text.splitlines()) if len(words) == 3}


def memory_kib(subject: Subject) -> Values:
    """KiB in use after boot with one hart and with four, and KiB for each idle process."""
    text = subject.run(
        "before=$(cat /proc/meminfo); before=$(cat /proc/meminfo); i=0\n"
        f"while [ $i -lt {IDLE_PROCESSES} ]; do sleep 1000 & i=$((i+1)); done; sleep 1\n"
        "after=$(cat /proc/meminfo); kill $(jobs -p); echo \"$before\"; echo; echo \"$after\"", guest.icount(1))
    before, after = (_meminfo(part) for part in text.split("\n\n", 1))
    more = sum(after[part] - before[part] for part in PARTS)
    four = _meminfo(subject.run("cat /proc/meminfo >/tmp/first; cat /proc/meminfo", (), 4))
    return {"in_use": MEMORY_KIB - before["MemFree:"], "in_use_4": MEMORY_KIB - four["MemFree:"], "idle_process": more / IDLE_PROCESSES}


def sizes(subject: Subject) -> Values:
    """Bytes of the kernel's image and of the boot image with everything laid over it."""
    return {"kernel": float(subject.image.stat().st_size), "boot_image": float(len(subject.machine().initrd_bytes([])))}
