"""One boot for one command line, for tests that need a machine or an overlay of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from harness import frames, machine, run, trouble


@dataclasses.dataclass(frozen=True)
class Once:
    """What a command line printed, its status, and the kernel's log."""

    output: str
    status: int
    log: str

    @property
    def lines(self) -> list[str]:
        """The output's lines."""
        return self.output.splitlines()


def boot(what: machine.Machine, command: str, timeout: float = 120, shell: str = "", tty: bool = False) -> Once:
    """Run one command line; a machine that stops early or has trouble in its log fails the test."""
    return boot_all(what, [machine.Job(command.encode(), tty=tty, shell=shell)], timeout)[0]


def boot_all(what: machine.Machine, jobs: Sequence[machine.Job], timeout: float = 120) -> list[Once]:
    """Run several, one after another, in one boot."""
    one = run.Run(what, jobs, machine.new_log("once"))
    outputs, statuses = [b""], []
    try:
        for event in one.events(timeout):
            match event:
                case frames.Output(data):
                    outputs[-1] += data
                case frames.End(status=ended):
                    statuses.append(ended)
                    outputs.append(b"")
    except run.Failure as failure:
        pytest.fail(f"{failure}\n--- output so far\n{outputs[-1].decode(errors='replace')}\n--- console\n{failure.tail}", pytrace=False)
    reports = trouble.in_log(one.kernel_log)
    assert not reports, f"{reports}; log: {one.log}"
    log = one.kernel_log.decode(errors="replace")
    return [Once(output.decode(errors="replace"), status, log) for output, status in zip(outputs, statuses)]
