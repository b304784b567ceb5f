"""The benchmark tools: reading kbench's lines, judging them, drawing; and a few rows with a budget of guest instructions."""

from __future__ import annotations

import shutil

import pytest

from harness import machine
from harness.bench import build, flame, guest, measure, report

# Instructions per operation that a change must not exceed without a word: some 10 % above what they are.
BUDGET = {"getppid": 160, "read1_zero": 440, "stat": 1700, "open_close": 2450, "pipe_self": 1300, "mmap_munmap": 2500,
          "fork_exit_wait": 58_000, "select64": 7200, "poll64": 6600, "tmpfs_read_64k": 22_800}


def test_parse() -> None:
    """Values, reasons for skipping, and nothing else."""
    values, skipped = measure.parse("getppid 141.5 ns/op 20000\nunix_rt SKIP Not supported\ntotal 9 ns 1\nnoise\n")
    assert values == {"getppid": 141.5}
    assert skipped == {"unix_rt": "Not supported"}


def test_medians_and_limits() -> None:
    """The middle run counts; a row over its limit is named."""
    ours = measure.medians([{"a": 1.0, "getppid": 3.0}, {"a": 5.0}, {"a": 2.0}])
    assert ours == {"a": 2.0, "getppid": 3.0}
    r = report.ratios({**ours, "grow_x_1": 1.0}, {"a": 2.0, "getppid": 10.0, "grow_x_1": 1.0})
    assert r == {"a": 1.0, "getppid": 0.3}
    assert report.over_limit(r) == ["a"]
    assert report.mean([4.0, 0.25]) == pytest.approx(1.0)


def test_growth_table() -> None:
    """Sizes stand in order of number, not of text."""
    rows = report.growth({"grow_fd_1000": 2.0, "grow_fd_10": 1.0}, {"grow_fd_10": 4.0})
    assert rows[-1] == "| grow_fd | 10, 1000 | 1.0, 2.0 | 4.0, - |"


def test_flame() -> None:
    """Names are escaped, widths follow the counts."""
    text = flame.svg({("a", "b<c>"): 30, ("a",): 10}, "t & t", 10)
    assert "b&lt;c&gt;: 3.0 (75.0 %)" in text and "t &amp; t" in text
    assert 'width="900.0"' in text


@pytest.mark.boot
@pytest.mark.scarlet
@pytest.mark.skipif(not shutil.which(build.CROSS), reason="no cross compiler (ci/setup bench installs it)")
def test_budget() -> None:
    """No row of the list costs more than its budget."""
    if machine.scarlet_kernel().parent.name != "release":
        pytest.skip("budgets are the release kernel's")
    what = guest.scarlet(None, build.overlay())
    values, skipped = measure.parse(guest.output(what, f"/bench/kbench {' '.join(BUDGET)}", guest.icount(1)))
    assert not skipped
    over = {name: (values[name], limit) for name, limit in BUDGET.items() if values[name] > limit}
    assert not over, f"instructions per operation over budget: {over}"
