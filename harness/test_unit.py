"""Unit tests: every program of harness/unit, under sanitizers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness import unit


@pytest.mark.parametrize("test", unit.tests(), ids=lambda p: p.stem)
def test_unit(test: Path) -> None:
    """Build and run one; its exit status judges."""
    try:
        program = unit.build(test)
    except unit.UnitError as error:
        pytest.fail(f"cannot build:\n{error}", pytrace=False)
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False, timeout=300, env=env)
    assert done.returncode == 0, f"{program} ended with {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-6000:]}"
