"""make bench-hosted: what calls cost natively, under a bare ptrace loop, and on the hosted kernel, in one run."""

from __future__ import annotations

import subprocess

from harness import hosted


def measure(command: list[str]) -> dict[str, float]:
    """The lines NAME MICROSECONDS that a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return {name: float(cost) for name, cost in (line.split() for line in done.stdout.splitlines())}


def main() -> None:
    """Print the table."""
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


if __name__ == "__main__":
    main()
