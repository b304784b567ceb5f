"""Run a module of CPython's own tests; at the end one line for each test that was not simply passed, and how many there were."""

from __future__ import annotations

import sys
import unittest


class Outcomes(unittest.TestResult):
    """What became of each test."""

    def __init__(self) -> None:
        super().__init__()
        self.other: dict[str, str] = {}

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self.other[test.id()] = "skipped"

    def addError(self, test: unittest.TestCase, err: object) -> None:  # type: ignore[override]
        super().addError(test, err)  # type: ignore[arg-type]
        self.other[test.id()] = f"error {err[1]!r:.200}"  # type: ignore[index]

    def addFailure(self, test: unittest.TestCase, err: object) -> None:  # type: ignore[override]
        super().addFailure(test, err)  # type: ignore[arg-type]
        self.other[test.id()] = f"failure {err[1]!r:.200}"  # type: ignore[index]

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: object) -> None:  # type: ignore[override]
        super().addSubTest(test, subtest, err)  # type: ignore[arg-type]
        if err is not None:
            self.other[test.id()] = f"failure {err[1]!r:.200}"  # type: ignore[index]


outcomes = Outcomes()
unittest.defaultTestLoader.loadTestsFromName(f"test.{sys.argv[1]}").run(outcomes)
print(f"\n= ran {outcomes.testsRun}")
for name, what in sorted(outcomes.other.items()):
    print(f"= {name} {what}")
