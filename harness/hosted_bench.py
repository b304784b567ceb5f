"""make bench-hosted: what calls cost natively, under a bare ptrace loop, and on the hosted kernel, in one run; and programs."""

from __future__ import annotations

import subprocess
import time

from harness import hosted
from harness.hosted_programs import PROGRAMS

RUNS = 5  # of each program; the quickest counts


def measure(command: list[str]) -> dict[str, float]:
    """The lines NAME MICROSECONDS that a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return {name: float(cost) for name, cost in (line.split() for line in done.stdout.splitlines())}


def seconds(command: list[str]) -> float:
    """How long a command takes at best."""
    best = float("inf")
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False, timeout=600)
        best = min(best, time.perf_counter() - start)
    return best


def programs(host: str) -> None:
    """Print what test_programs runs, whole: the hosted kernel's own start is in it."""
    ways = {"native": [], **{way: [host, "--transport", way, "--"] for way in ("ptrace", "trap")}}
    print(f"{'milliseconds':14}" + "".join(f"{name:>12}" for name in ways) + "   slowdown")
    for name, command in {"true": ["true"], **PROGRAMS}.items():
        took = [1000 * seconds([*words, *command]) for words in ways.values()]
        print(f"{name:14}" + "".join(f"{t:12.1f}" for t in took) + "   " + ", ".join(f"{t / took[0]:.1f}" for t in took[1:]), flush=True)


def main() -> None:
    """Print the tables."""
    calls, host = str(hosted.program("calls")), str(hosted.build())
    columns = {
        "native": measure([calls]),
        "bare loop": measure([calls, "loop"]),
        "ptrace": measure([host, "--transport", "ptrace", "--", calls]),
        "trap": measure([host, "--transport", "trap", "--", calls]),
    }
    print(f"{'microseconds':14}" + "".join(f"{name:>12}" for name in columns))
    for row in columns["native"]:
        print(f"{row:14}" + "".join(f"{c[row]:12.2f}" if row in c else f"{'-':>12}" for c in columns.values()))
    programs(host)


if __name__ == "__main__":
    main()
