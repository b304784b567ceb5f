"""Boot a machine, run command lines in it one after another, watch for trouble at every moment."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import selectors
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import frames, hosted, machine, trouble
from harness.machine import Job, Machine


@dataclasses.dataclass
class Failure(Exception):
    """The machine stopped before its work was done."""

    status: int
    log: Path
    tail: str

    def __str__(self) -> str:
        return f"{trouble.NAMES[self.status]}; log: {self.log}"


class Run:
    """One boot. events() yields what happens; after it, `kernel_log` holds the guest's log."""

    def __init__(self, what: Machine, jobs: Sequence[Job], log: Path, scratch: bool = False,
                 extra: Sequence[str] = ()) -> None:
        self._machine = what
        self._jobs = jobs
        self._scratch = scratch
        self._extra = extra
        self.log = log
        self.kernel_log = b""
        self.clean_end = False

    def events(self, timeout: float) -> Iterator[frames.Event]:
        """Boot and run. `timeout` is for the boot and then for each job. Raises Failure, MachineError."""
        self._machine.check()
        token = machine.new_token()
        data = self._machine.initrd_bytes(machine.control_entries(self._jobs, token, self._scratch))
        monitor = machine.Monitor()
        with contextlib.ExitStack() as stack:
            stack.callback(monitor.close)
            initrd = stack.enter_context(machine.initrd_file(data))
            argv = self._machine.argv(initrd, machine.WORDS, machine.Console.PIPE, [*monitor.arguments(), *self._extra])
            self.log.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(open(self.log, "wb"))
            try:
                qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True)
            except OSError as error:
                raise machine.MachineError(f"cannot start {argv[0]}: {error}") from error
            stack.callback(_stop, qemu)
            yield from self._watch(qemu, frames.Frames(token), file, monitor, timeout)

    def _state(self, process: subprocess.Popen[bytes], monitor: machine.Monitor) -> str:
        """Where a machine that hangs stands."""
        if self._machine.hosted:
            return hosted.where(process.pid)
        registers = monitor.ask("info registers -a")
        return f"{registers}\n{machine.symbolise(self._machine.kernel_file.with_suffix('.elf'), registers)}"

    def _watch(self, qemu: subprocess.Popen[bytes], parser: frames.Frames, file, monitor: machine.Monitor,
               timeout: float) -> Iterator[frames.Event]:
        assert qemu.stdout is not None
        os.set_blocking(qemu.stdout.fileno(), False)
        selector = selectors.DefaultSelector()
        selector.register(qemu.stdout, selectors.EVENT_READ)
        tail, began, off = b"", False, False
        deadline = time.monotonic() + timeout
        timed_out = False
        with selector:
            while True:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    timed_out = True
                    break
                chunk = qemu.stdout.read(65536)
                if not chunk:
                    break
                file.write(chunk)
                file.flush()
                tail = (tail + chunk)[-200_000:]
                for event in parser.feed(chunk):
                    match event:
                        case frames.Begin() | frames.End():
                            began = True
                            deadline = time.monotonic() + timeout
                        case frames.Log(data):
                            self.kernel_log += data
                        case frames.Off():
                            off = True
                            deadline = time.monotonic() + min(timeout, 20)
                    yield event
        reported = trouble.sanitizer(tail) if self._machine.hosted else -1
        if reported >= 0:
            machine.keep_log(self.log)
            report = tail[reported : reported + 12000].decode(errors="replace").replace("\r", "")
            raise Failure(trouble.SANITIZER, self.log, hosted.named(report, self._machine.kernel_file)[:6000])
        if off and not timed_out and not trouble.restarted(tail):
            self.clean_end = True
            return
        # A hosted kernel has no firmware before it; what it refuses itself ends with the host's status.
        if self._machine.hosted and not timed_out and qemu.wait() != trouble.HOST:
            began = True
        status = trouble.classify(tail, timed_out, began)
        if timed_out:
            note = f"\n--- harness: no end within {timeout:g} s ---\n{self._state(qemu, monitor)}\n"
            file.write(note.encode())
        machine.keep_log(self.log)
        text = tail.decode(errors="replace").replace("\r", "")
        raise Failure(status, self.log, "\n".join(text.splitlines()[-40:]))


def _stop(qemu: subprocess.Popen[bytes]) -> None:
    if qemu.poll() is None:
        qemu.kill()
    qemu.wait()
    if qemu.stdout:
        qemu.stdout.close()
