"""The results as text for the terminal and as tables for docs/benchmarks.md."""

from __future__ import annotations

import math
from collections.abc import Iterable

from harness.bench.measure import MEMORY_KIB, Skipped, Values

ROW_LIMIT, MEAN_LIMIT = 0.75, 0.40
LIMITS = {"getppid": 0.35, "fork_exit_wait_16m": 0.08}
# Not operations of the kernel: the first is the loop around nothing, the others are seen in the table of scaling.
NOT_COUNTED = ("loop", "par1_loop", "par2_loop")
# Rows of programs of other systems, and the row of Linux's that does the same within one.
RIVALS = {
    "abi_native_call": ("getppid", "a call that does nothing, native program"),
    "abi_xv6_call": ("getppid", "the same, xv6 program"),
    "abi_native_pipe": ("pipe_rt", "a byte to a native program and back"),
    "abi_xv6_pipe": ("pipe_rt", "a byte to an xv6 program and back"),
    "abi_linux_to_native": ("fork_exec_static", "fork, exec of a native program, wait"),
    "abi_linux_to_xv6": ("fork_exec_static", "fork, exec of an xv6 program, wait"),
    "abi_native_to_linux": ("posix_spawn_static", "a native program spawns a Linux program, waits"),
    "abi_xv6_to_linux": ("fork_exec_static", "an xv6 program forks, executes a Linux program, waits"),
    "abi_first_to_native": ("fork_exec_static", "the first native program: its view is composed"),
    "abi_native_view": ("mount_ns_bind", "a view with one mount more, made and dropped"),
    "abi_native_ovl_stat": ("ovl_stat", "metadata of a name on an overlay, native program"),
    "abi_runtime": ("fork_exec_script", "exec of a file that a registered runtime runs"),
}
FIRMWARE = 12_050_000  # instructions of QEMU's OpenSBI before the kernel's first
FIRMWARE_KIB = 512     # what it keeps for itself


def ratios(ours: Values, theirs: Values) -> Values:
    """Ours by theirs, where both have the row; a row of another system by its rival."""
    beside = {name: theirs.get(RIVALS[name][0] if name in RIVALS else name) for name in ours if not name.startswith("grow_")}
    return {name: ours[name] / v for name, v in beside.items() if v}


def rivals(ours: Values) -> set[str]:
    """The rows of Linux's that ours are held against."""
    return {RIVALS[name][0] for name in ours if name in RIVALS}


def mean(values: Iterable[float]) -> float:
    """Geometric mean; 0 of nothing."""
    logs = [math.log(v) for v in values]
    return math.exp(sum(logs) / len(logs)) if logs else 0.0


def counted(r: Values) -> Values:
    """The ratios that go into the mean."""
    return {name: v for name, v in r.items() if name not in NOT_COUNTED and name not in RIVALS}


def over_limit(r: Values) -> list[str]:
    """Rows beyond what issue and budget allow."""
    return [name for name, v in r.items() if name not in NOT_COUNTED and v > LIMITS.get(name, ROW_LIMIT)]


def _number(v: float) -> str:
    return f"{v:.1f}" if v < 1000 else f"{v:,.0f}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|", *("| " + " | ".join(r) + " |" for r in rows)]


def comparison(ours: Values, theirs: Values, skipped: Skipped, unit: str) -> list[str]:
    """One line a row: ours, Linux's, ratio."""
    r = ratios(ours, theirs)
    rows = [[name, _number(ours[name]), _number(theirs[name]) if name in theirs else "-", f"{r[name]:.2f}" if name in r else "-"]
            for name in ours if not name.startswith("grow_") and name not in RIVALS]
    rows += [[name, "skipped", why, "-"] for name, why in skipped.items()]
    rows.append(["geometric mean", "", "", f"{mean(counted(r).values()):.3f}"])
    return _table([f"row ({unit})", "Scarlet", "Linux", "ratio"], rows)


def several(ours: Values, theirs: Values) -> list[str]:
    """Programs of other systems beside the rows of Linux's that set their budget."""
    r = ratios(ours, theirs)
    return _table(["row (instructions)", "what", "Scarlet", "Linux's row", "Linux", "ratio"],
                  [[name, what, _number(ours[name]), rival, _number(theirs[rival]) if rival in theirs else "-",
                    f"{r[name]:.2f}" if name in r else "-"] for name, (rival, what) in RIVALS.items() if name in ours])


def growth(ours: Values, theirs: Values) -> list[str]:
    """Cost as work grows, one line a kind."""
    kinds: dict[str, list[str]] = {}
    for name in ours:
        if name.startswith("grow_"):
            kinds.setdefault(name.rsplit("_", 1)[0], []).append(name)
    rows = []
    for kind, names in kinds.items():
        names.sort(key=lambda n: int(n.rsplit("_", 1)[1]))
        rows.append([kind, ", ".join(n.rsplit("_", 1)[1] for n in names), ", ".join(_number(ours[n]) for n in names),
                     ", ".join(_number(theirs[n]) if n in theirs else "-" for n in names)])
    return _table(["row (instructions)", "how many", "Scarlet", "Linux"], rows)


def scaling(ours: dict[int, Values], theirs: dict[int, Values], others: float) -> list[str]:
    """Two processes' rate over one's, for each number of harts; others: the largest share of the host that was not ours."""
    kinds = sorted({n[5:] for values in ours.values() for n in values if n.startswith("par1_")})
    note = (f"While Scarlet was measured, other work took up to {others:.0%} of the host. "
            "`loop` does not enter the kernel: it is the host's own limit.")

    def rate(values: Values, kind: str) -> str:
        one, two = values.get(f"par1_{kind}"), values.get(f"par2_{kind}")
        return f"{one / two:.2f}" if one and two else "-"

    rows = [[kind, *(rate(values.get(smp, {}), kind) for values in (ours, theirs) for smp in sorted(ours))] for kind in kinds]
    return [note, "", *_table(["two processes against one (wall)",
                               *(f"{who}, {smp} harts" for who in ("Scarlet", "Linux") for smp in sorted(ours))], rows)]


def machine_rows(ours: dict[str, Values], theirs: dict[str, Values]) -> list[str]:
    """Sizes, memory and boot."""
    def beyond(of: dict[str, Values], which: str) -> float:
        return of["memory"][which] - (of["sizes"]["kernel"] + of["sizes"]["boot_image"]) / 1024 - FIRMWARE_KIB

    lines = [
        ("kernel image, bytes", lambda of: of["sizes"]["kernel"]),
        ("kernel entry to first user instruction, instructions", lambda of: of["boot"]["first_user_instruction"] - FIRMWARE),
        ("kernel entry to first command of the shell, instructions", lambda of: of["boot"]["shell_command"] - FIRMWARE),
        (f"memory in use after boot of {MEMORY_KIB // 1024} MiB, KiB", lambda of: of["memory"]["in_use"]),
        (f"of that beyond kernel image, boot image and firmware ({FIRMWARE_KIB}), KiB", lambda of: beyond(of, "in_use")),
        ("the same with 4 harts, KiB", lambda of: beyond(of, "in_use_4")),
        ("an idle process (busybox sleep), KiB", lambda of: of["memory"]["idle_process"]),
    ]
    return _table(["", "Scarlet", "Linux", "ratio"],
                  [[what, _number(f(ours)), _number(f(theirs)), f"{f(ours) / f(theirs):.2f}"] for what, f in lines])
