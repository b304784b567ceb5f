"""Take the console's byte stream apart at the marks that /init writes (docs/run.md).

The marks carry a random token, so that no output is taken for one. Output bytes are handed on as
soon as they cannot be part of a mark.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Begin:
    """A command line starts."""

    name: str


@dataclasses.dataclass(frozen=True)
class Output:
    """Bytes of the running command line."""

    data: bytes


@dataclasses.dataclass(frozen=True)
class End:
    """A command line ended."""

    name: str
    status: int


@dataclasses.dataclass(frozen=True)
class Log:
    """Bytes of the kernel's log."""

    data: bytes


@dataclasses.dataclass(frozen=True)
class Off:
    """The guest powers off by itself."""


Event = Begin | Output | End | Log | Off


class Frames:
    """The parser: feed() it bytes, take events."""

    def __init__(self, token: str) -> None:
        self._mark = token.encode() + b" "
        self._buffer = b""
        self._state = "boot"

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that this data completes."""
        self._buffer += data
        while True:
            at = self._buffer.find(self._mark)
            end = self._buffer.find(b"\n", at) if at >= 0 else -1
            if at >= 0 and end >= 0:
                before, line = self._buffer[:at], self._buffer[at + len(self._mark) : end]
                self._buffer = self._buffer[end + 1 :]
                yield from self._plain(before)
                yield from self._event(line.strip().decode(errors="replace").split(" "))
                continue
            keep = len(self._buffer) - at if at >= 0 else self._partial()
            cut = len(self._buffer) - keep
            plain, self._buffer = self._buffer[:cut], self._buffer[cut:]
            yield from self._plain(plain)
            return

    def _partial(self) -> int:
        """How many bytes at the end may be the start of a mark."""
        for n in range(min(len(self._mark) - 1, len(self._buffer)), 0, -1):
            if self._buffer.endswith(self._mark[:n]):
                return n
        return 0

    def _plain(self, data: bytes) -> Iterator[Event]:
        if not data:
            return
        if self._state == "run":
            yield Output(data)
        elif self._state == "log":
            yield Log(data)

    def _event(self, words: list[str]) -> Iterator[Event]:
        match words:
            case ["begin", name]:
                self._state = "run"
                yield Begin(name)
            case ["end", name, status] if status.isdigit():
                self._state = "between"
                yield End(name, int(status))
            case ["log"]:
                self._state = "log"
            case ["off"]:
                self._state = "off"
                yield Off()
