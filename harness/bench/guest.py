"""Run one command line in the guest and take its output: under the instruction counter, or on the clock."""

from __future__ import annotations

from collections.abc import Sequence
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
