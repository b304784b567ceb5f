"""CPython's own tests of what it makes of the system, on the hosted kernel and on this machine's own Linux: the same outcome of each.

They come with the package libpython3.N-testsuite (`make test-hosted` installs it).
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from harness import hosted
from harness.conftest import show

PYTHON = "/usr/bin/python3"
TESTS = Path(f"/usr/lib/python3.{sys.version_info.minor}/test/test_os.py")
pytestmark = [pytest.mark.hosted, pytest.mark.skipif(bool(hosted.permitted()), reason=hosted.permitted() or "-"),
              pytest.mark.skipif(not TESTS.exists(), reason="no tests of CPython's are installed")]
RUNNER = Path(__file__).parent / "hosted_guest/outcomes.py"
MODULES = ("test_os", "test_posix", "test_fcntl", "test_mmap", "test_select", "test_pty", "test_tempfile", "test_shutil", "test_glob", "test_fileio",
           "test_resource", "test_fork1", "test_wait4", "test_pathlib", "test_threadsignals")
# Tests whose outcome may differ, and why.
OTHERWISE = {
    r"test_os\.TestSendfile\.": "over the network, which there is none of",
    r"test_fcntl\.TestFcntl\.test_fcntl_64_bit": "F_NOTIFY, which is not served",
    r"test_shutil\.TestMisc\.test_disk_usage": "nothing may be used of the layer in memory",
}


def outcomes(module: str, place: Path, on_hosted: bool) -> list[str]:
    """The runner's lines, without those of tests that may differ."""
    place.mkdir()
    done = hosted.run([PYTHON, str(RUNNER), module], hosted=on_hosted, cwd=place, options=["--cpus", "2", "--mem", "1024"],
                      env={**os.environ, "TMPDIR": str(place)})
    lines = re.findall(r"^= .*$", done.stdout.decode(errors="replace"), re.MULTILINE)
    assert done.returncode == 0 and lines, show(done.stdout + done.stderr)
    return [line for line in lines if not any(re.search(pattern, line) for pattern in OTHERWISE)]


@pytest.mark.parametrize("case", MODULES)
def test_same_outcomes(case: str, tmp_path: Path) -> None:
    """Test by test: passed, skipped, or failed in the same way."""
    assert outcomes(case, tmp_path / "hosted", True) == outcomes(case, tmp_path / "native", False)
