"""Programs that live on local sockets, on the hosted kernel and on this machine's own Linux: the same lines, the same status.

What the calls do one by one is in the conformance corpus (sockets.cases).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from harness import hosted
from harness.conftest import show

pytestmark = pytest.mark.skipif(bool(hosted.permitted()), reason=hosted.permitted() or "-")
SCRIPTS = Path(__file__).parent / "hosted_guest/sockets"
PYTHON = "/usr/bin/python3"
# Name: the program that must be there, then the command.
PROGRAMS = {
    "pairs": (PYTHON, [PYTHON, str(SCRIPTS / "passing.py")]),
    "loops": (PYTHON, [PYTHON, str(SCRIPTS / "loops.py")]),
    "processes": (PYTHON, [PYTHON, str(SCRIPTS / "processes.py")]),
    "perl": ("perl", ["perl", str(SCRIPTS / "talk.pl")]),
    "git-credential-cache": ("git", ["bash", str(SCRIPTS / "agents.sh"), "git_cache"]),
    "ssh-agent": ("ssh-agent", ["bash", str(SCRIPTS / "agents.sh"), "ssh_agent"]),
    "gpg-agent": ("gpg-agent", ["bash", str(SCRIPTS / "agents.sh"), "gpg_agent"]),
    "tmux": ("tmux", ["bash", str(SCRIPTS / "agents.sh"), "tmux_"]),
    "dbus": ("dbus-daemon", ["bash", str(SCRIPTS / "agents.sh"), "dbus"]),
    "node": ("node", ["node", str(SCRIPTS / "serve.js")]),
}
QUICK = ("pairs", "perl")
RACED = ("pairs", "loops", "processes", "perl")


def in_fresh_place(name: str, place: Path, **kwargs: object) -> tuple[str, str, int]:
    """What it prints and its status, in a directory of its own."""
    place.mkdir()
    done = hosted.run(PROGRAMS[name][1], cwd=place, **kwargs)  # type: ignore[arg-type]
    return show(done.stdout), show(done.stderr), done.returncode


def skip_unless_there(name: str) -> None:
    """A machine need not have all these programs, and `make test` runs few of them."""
    if not shutil.which(PROGRAMS[name][0]):
        pytest.skip(f"{PROGRAMS[name][0]} is not installed")
    if name not in QUICK and not os.environ.get("SCARLET_HOSTED"):
        pytest.skip("more of the same: make test-hosted")


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str, tmp_path: Path) -> None:
    """The same as natively."""
    skip_unless_there(name)
    native = in_fresh_place(name, tmp_path / "native", hosted=False)
    assert native[2] == 0, native
    assert in_fresh_place(name, tmp_path / "hosted", options=["--cpus", "2"]) == native


@pytest.mark.hosted
@pytest.mark.parametrize("name", RACED)
@pytest.mark.parametrize("sanitizers", ["address,undefined", "thread"])
def test_under_sanitizers(name: str, sanitizers: str, tmp_path: Path) -> None:
    """The sanitizers have nothing to report, and the program ends well."""
    out, errors, status = in_fresh_place(name, tmp_path / "hosted", options=["--cpus", "4"], sanitizers=sanitizers)
    assert (status, errors) == (0, ""), out
