"""The benchmark tools: reading kbench's lines, judging them, drawing; and a few rows with a budget of guest instructions."""

from __future__ import annotations

import shutil

import pytest

from harness import machine
from harness.bench import build, flame, guest, measure, report

# Instructions per operation that a change must not exceed without a word: some 10 % above what they are.
BUDGET = {"getppid": 180, "read1_zero": 440, "stat": 1700, "open_close": 2450, "pipe_self": 1300, "mmap_munmap": 2500,
          "fork_exit_wait": 58_000, "select64": 7200, "poll64": 6600, "tmpfs_read_64k": 22_800,
          "abi_native_call": 150, "abi_xv6_call": 150, "abi_native_pipe": 3600, "abi_linux_to_xv6": 200_000,
          "abi_native_to_linux": 220_000, "abi_native_view": 62_000, "abi_runtime": 230_000}
# What one operation may cost beside 1,000 of something, as a multiple of its cost beside 10.
GROWTH = {"grow_fd": 1.05, "grow_map": 1.4, "grow_dir": 1.3, "grow_process": 1.2, "grow_timer": 1.4, "grow_depth": 1.05,
          "grow_waiter": 1.3, "grow_epoll": 1.05}


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


def test_several_systems() -> None:
    """Rows of other systems are judged by Linux's row that does the same, and are in no mean."""
    r = report.ratios({"abi_native_call": 90.0, "stat": 2.0}, {"getppid": 100.0, "stat": 4.0})
    assert r == {"abi_native_call": 0.9, "stat": 0.5}
    assert report.over_limit(r) == ["abi_native_call"] and report.counted(r) == {"stat": 0.5}
    assert report.rivals({"abi_xv6_pipe": 1.0}) == {"pipe_rt"}
    assert measure.wanted_large(["grow_p*"]) == ["grow_process_50000"]


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
@pytest.mark.qemu
@pytest.mark.scarlet
@pytest.mark.skipif(not shutil.which(build.CROSS), reason="no cross compiler (ci/setup bench installs it)")
def test_budget() -> None:
    """No row of the list costs more than its budget, none grows with what else there is; the limit of areas holds."""
    if machine.scarlet_kernel().parent.name != "release":
        pytest.skip("budgets are the release kernel's")
    what = guest.scarlet(None, build.overlay())
    grow = " ".join(f"{name}_{many}" for name in GROWTH for many in (10, 1000))
    values, skipped = measure.parse(guest.output(
        what, f"/bench/kbench {' '.join(BUDGET)}; /bench/kbench {grow}; echo 500 >/proc/sys/vm/max_map_count; /bench/kbench grow_map_1000",
        guest.icount(1)))
    assert skipped == {"grow_map_1000": "Cannot allocate memory"}, "only what the limit of areas forbids is skipped"
    over = {name: (values[name], limit) for name, limit in BUDGET.items() if values[name] > limit}
    assert not over, f"instructions per operation over budget: {over}"
    growing = {name: (values[f"{name}_10"], values[f"{name}_1000"]) for name, limit in GROWTH.items()
               if values[f"{name}_1000"] > limit * values[f"{name}_10"]}
    assert not growing, f"costs more beside 1,000 than beside 10: {growing}"
