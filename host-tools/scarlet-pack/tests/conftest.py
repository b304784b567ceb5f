"""The tool under test: the build under sanitizers, made here if it is not there yet."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / "build/host/asan/scarlet-pack"
Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="session", autouse=True)
def built_pack() -> None:
    """Builds what the tests run."""
    subprocess.run(["make", "-s", "-C", str(ROOT), str(TOOL.relative_to(ROOT)), "build/host/scarlet-pack"], check=True,
                   stdout=subprocess.DEVNULL)


@pytest.fixture()
def pack(tmp_path: Path) -> Run:
    """Runs scarlet-pack in the test's folder; `status` is the exit status that must come."""

    def run(*words: object, status: int = 0, stdin: bytes = b"", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
        environment = {k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"} | (env or {})
        done = subprocess.run([str(TOOL), *map(str, words)], cwd=tmp_path, input=stdin, capture_output=True, env=environment, check=False,
                              timeout=300)
        assert done.returncode == status, f"{words}: status {done.returncode}, not {status}\n{done.stdout[-2000:]!r}\n{done.stderr.decode()[-4000:]}"
        assert b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr
        return done

    return run
