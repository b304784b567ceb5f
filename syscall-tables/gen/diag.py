"""Source positions and diagnostics: every complaint is `file:line:column: error: message`."""
from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Pos:
    file: str
    line: int
    col: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}"


NOWHERE = Pos("<built-in>", 0, 0)


class Id(str):
    """A name that remembers where it was written."""

    pos: Pos

    def __new__(cls, text: str, pos: Pos = NOWHERE) -> "Id":
        self = super().__new__(cls, text)
        self.pos = pos
        return self


class TableError(Exception):
    """One mistake in a table, at one place."""

    def __init__(self, pos: Pos, message: str) -> None:
        super().__init__(f"{pos}: error: {message}")
        self.pos = pos
        self.message = message


@dataclass
class Diagnostics:
    """Collects mistakes so that one run reports all of them, in file order."""

    found: list[TableError] = field(default_factory=list)

    def error(self, pos: Pos, message: str) -> None:
        if not any(e.pos == pos and e.message == message for e in self.found):
            self.found.append(TableError(pos, message))

    def add(self, err: TableError) -> None:
        self.error(err.pos, err.message)

    def __bool__(self) -> bool:
        return bool(self.found)

    def lines(self) -> list[str]:
        return [str(e) for e in sorted(self.found, key=lambda e: e.pos)]
