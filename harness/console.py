"""An interactive shell on a machine's console, watched for panics and restarts at every moment.

Built on pexpect: whatever is waited for, a panic, the firmware's banner for a second time and the
machine's end are waited for as well and end the wait with the console's last lines.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pexpect

from harness import machine, trouble
from harness.image import cpio

PROMPT = "@@ready@@ "


class ConsoleTrouble(Exception):
    """The machine is in trouble, or what was waited for did not come."""


class Console(contextlib.AbstractContextManager["Console"]):
    """One machine and its console. Use as a context manager; boots on entry to a quiet prompt."""

    TROUBLE = (r"(?m)^(?:\[[^\]]*\] ?)?(?:panic: |Kernel panic)|==\d+==ERROR: |runtime error: ", r"OpenSBI v")

    def __init__(self, what: machine.Machine, rows: int = 24, columns: int = 80, timeout: float = 60) -> None:
        self._machine = what
        self._size = (rows, columns)
        self._timeout = timeout
        self._stack = contextlib.ExitStack()
        self.log = machine.new_log("console")
        self.child: Any = None

    def __enter__(self) -> "Console":
        self._machine.check()
        rows, columns = self._size
        control = [cpio.Entry("/.scarlet", 0o040755),
                   cpio.Entry("/.scarlet/terminal", 0o100644, f"{rows} {columns} vt100\n".encode())]
        initrd = self._stack.enter_context(machine.initrd_file(self._machine.initrd_bytes(control)))
        argv = self._machine.argv(initrd, machine.WORDS, machine.Console.TYPED)
        file = self._stack.enter_context(open(self.log, "wb"))
        self.child = pexpect.spawn(argv[0], argv[1:], timeout=self._timeout, dimensions=self._size, echo=False)
        self.child.logfile_read = file
        self.child.delaybeforesend = 0.02
        self._stack.callback(self.child.close, True)
        if not self._machine.hosted:
            self.expect(r"OpenSBI v[^\n]*\n", watch_banner=False)
        self.expect(r"[#$] $|[#$] \x1b\[6n")
        self.child.sendline(f"PS1='{PROMPT}'")
        self.expect(PROMPT)
        self.expect(PROMPT) if self._echoed() else None
        return self

    def _echoed(self) -> bool:
        """The first sight of the prompt may be the echo of the line that sets it."""
        return self.child.before.rstrip().endswith(b"PS1='")

    def __exit__(self, *args: object) -> None:
        self._stack.close()

    def expect(self, pattern: str, timeout: float | None = None, watch_banner: bool = True) -> bytes:
        """Wait for a pattern; returns what came before it."""
        bad = self.TROUBLE if watch_banner else self.TROUBLE[:1]
        wait = self._timeout if timeout is None else timeout
        try:
            index = self.child.expect([pattern, *bad], timeout=wait)
        except pexpect.TIMEOUT as error:
            raise ConsoleTrouble(f"no {pattern!r} within {wait:g} s; the console ended with:\n{self.tail()}") from error
        except pexpect.EOF as error:
            raise ConsoleTrouble(f"the machine ended while waiting for {pattern!r}; the console:\n{self.tail()}") from error
        if index > 0:
            with contextlib.suppress(pexpect.ExceptionPexpect):
                self.child.expect(pexpect.EOF, timeout=2)
            what = trouble.NAMES[trouble.PANIC if index == 1 else trouble.RESTART]
            raise ConsoleTrouble(f"{what} while waiting for {pattern!r}:\n{self.tail()}\nlog: {self.log}")
        return self.child.before

    def send(self, text: str) -> None:
        """Type text, as it is."""
        self.child.send(text)

    def line(self, text: str) -> None:
        """Type a line."""
        self.child.sendline(text)

    def run(self, command: str, timeout: float | None = None) -> str:
        """Type a command at the prompt; returns its output without the echo."""
        self.line(command)
        output = self.expect(PROMPT, timeout).decode(errors="replace").replace("\r", "")
        return output.split("\n", 1)[1] if "\n" in output else ""

    def tail(self) -> str:
        """The console's last lines."""
        return "\n".join(self.log.read_text(errors="replace").replace("\r", "").splitlines()[-25:])


def first_prompt(what: machine.Machine, prompt: str, *steps: tuple[str, str]) -> None:
    """Type keys, each time waiting for an answer, at the shell of a machine whose first program is not the image's."""
    with machine.initrd_file(what.initrd_bytes([])) as initrd:
        argv = what.argv(initrd, machine.WORDS, machine.Console.TYPED)
        child = pexpect.spawn(argv[0], argv[1:], timeout=60, echo=False)
        try:
            child.expect(prompt)
            for keys, answer in steps:
                child.send(keys)
                child.expect(answer)
        finally:
            child.close(True)
