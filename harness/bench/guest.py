"""Run one command line in the guest and take its output: under the instruction counter, or on the clock."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import frames, machine, run

TIMEOUT = 600.0


def icount(seed: int) -> list[str]:
    """QEMU's arguments under which one virtual nanosecond is one instruction and a run repeats exactly."""
    return ["-icount", "shift=0,sleep=off", "-seed", str(seed), "-rtc", "base=2026-01-01T00:00:00,clock=vm"]


def output(what: machine.Machine, command: str, extra: Sequence[str] = (), name: str = "bench") -> str:
    """What the command line printed. Raises run.Failure and machine.MachineError."""
    boot = run.Run(what, [machine.Job(command.encode())], machine.new_log(name), extra=extra)
    data = b"".join(event.data for event in boot.events(TIMEOUT) if isinstance(event, frames.Output))
    return data.decode(errors="replace")


def scarlet(kernel: Path | None, overlay: Path, smp: int = 1) -> machine.Machine:
    """Scarlet with the benchmark programs."""
    return machine.Machine(kernel=kernel, overlay=overlay, smp=smp)


@contextlib.contextmanager
def ahead_of_others() -> Iterator[None]:
    """What is started inside runs before other work of this host, where that is allowed."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class HostLoad:
    """How much of the host's processors others took (other programs, other guests of the same machine)."""

    def __init__(self) -> None:
        self._start = self._now()

    @staticmethod
    def _now() -> tuple[float, float, float]:
        ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        own = os.times()
        return (float(sum(ticks)), float(sum(ticks) - ticks[3] - ticks[4]),
                (own.user + own.system + own.children_user + own.children_system) * os.sysconf("SC_CLK_TCK"))

    def others(self) -> float:
        """Their share since this record was made, 0 to 1. Children count once they have ended."""
        total, busy, own = (b - a for a, b in zip(self._start, self._now()))
        return max(0.0, busy - own) / total if total else 0.0
