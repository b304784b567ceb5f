"""One boot shared by many cases.

The cases are known before the first boot; they run in one machine in order, each in a fresh
directory. When a case takes the machine down, that case has failed; the rest go on in a new boot.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from harness import frames, guestprog, machine, run, trouble
from harness.cases import Case, Result

MAX_LOST = 6  # boots that did not reach their end


@dataclasses.dataclass
class Lost:
    """A case without a result, and why."""

    why: str
    log: Path
    tail: str


class Batch:
    """The cases for one kind of machine, and their results as they come."""

    def __init__(self, what: machine.Machine, name: str, timeout: float = 60.0) -> None:
        self.machine = what
        self.name = name
        self.timeout = timeout
        self.log: Path | None = None
        self.reports: list[str] = []  # broken promises found in the kernels' logs
        self._waiting: dict[str, Case] = {}
        self._done: dict[str, Result | Lost] = {}
        self._lost = 0
        self._events: Iterator[None] | None = None

    def want(self, case: Case) -> None:
        """Queue a case: it runs in the next boot, with all that wait then."""
        if case.name not in self._done:
            self._waiting.setdefault(case.name, case)

    def result(self, case: Case) -> Result | Lost:
        """The result of a case, booting as often as needed."""
        if case.name not in self._done:
            self.want(case)
        while case.name not in self._done:
            if self._events is None:
                if self._lost >= MAX_LOST:
                    assert self.log is not None
                    return Lost(f"gave up after {MAX_LOST} boots that did not reach their end", self.log, "")
                self._events = self._boot()
            if next(self._events, "over") == "over":
                self._events = None
        return self._done[case.name]

    def finish(self) -> None:
        """Run what is left, to the power-off, so that the log is complete."""
        while self._events is not None or self._waiting:
            if self._events is None:
                if self._lost >= MAX_LOST:
                    return
                self._events = self._boot()
            if next(self._events, "over") == "over":
                self._events = None

    def _boot(self) -> Iterator[None]:
        todo = list(self._waiting.values())
        names = {machine.job_name(i): case for i, case in enumerate(todo)}
        self.log = machine.new_log(self.name)
        jobs = [machine.Job(c.command, tty=c.tty) for c in todo]
        what, programs = self.machine, {c.program for c in todo if c.program}
        if programs:
            what = dataclasses.replace(what, overlay=guestprog.overlay(programs))
        boot = run.Run(what, jobs, self.log, scratch=True)
        current, output = None, bytearray()
        try:
            for event in boot.events(self.timeout):
                match event:
                    case frames.Begin(name):
                        current, output = names[name], bytearray()
                    case frames.Output(data):
                        output += data
                    case frames.End(name, status):
                        self._finish_case(names[name], Result(bytes(output), status))
                        current = None
                        yield
        except run.Failure as failure:
            self._lost += 1
            lost = Lost(trouble.NAMES[failure.status], failure.log, failure.tail)
            if current is not None:
                self._finish_case(current, lost)
            elif self._waiting:
                # Between two cases, or before the first: the next one pays.
                self._finish_case(next(iter(self._waiting.values())), lost)
            yield
        self.reports += [f"{line} ({self.log})" for line in trouble.in_log(boot.kernel_log)]

    def _finish_case(self, case: Case, result: Result | Lost) -> None:
        self._done[case.name] = result
        self._waiting.pop(case.name, None)
