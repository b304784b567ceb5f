"""`make bench`: Scarlet and Debian's Linux side by side in the same QEMU, in guest instructions and on the clock.

    python3 -m harness.bench [--quick] [--kernel IMAGE] [ROW|prefix* ...]

A whole run writes build/bench/results.json and the tables of docs/benchmarks.md. With rows named, or --quick (one seed, no wall
clock), it prints only. Exit status 1: a row is over its limit.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from harness import machine, run
from harness.bench import build, measure, report
from harness.machine import ROOT

DOC = ROOT / "docs/benchmarks.md"
BEGIN, END = "<!-- results: written by make bench -->", "<!-- end of results -->"
HARTS = (1, 2, 4)


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _show(lines: list[str]) -> None:
    """A Markdown table, in columns for the terminal."""
    for line in lines:
        if line and not line.startswith("|"):
            print(line)
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines if line.startswith("|") and not line.startswith("|---")]
    widths = [max(len(r[i]) for r in cells) for i in range(len(cells[0]))]
    for r in cells:
        print("  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))).rstrip())
    print()


def _write_doc(sections: list[tuple[str, list[str]]]) -> None:
    text = DOC.read_text() if DOC.is_file() else f"# Benchmarks\n\n{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    body = "\n".join(f"## {title}\n\n" + "\n".join(lines) + "\n" for title, lines in sections)
    DOC.write_text(f"{before}{BEGIN}\n\n{body}\n{END}{after}")


def bench(kernel: Path | None, rows: list[str], quick: bool) -> int:
    """Measure, print, record."""
    overlay = build.overlay()
    scarlet, linux = measure.Subject("scarlet", kernel, overlay), measure.Subject("linux", None, overlay)
    chosen = " ".join(f"'{row}'" for row in rows)
    seeds = measure.SEEDS[:1] if quick else measure.SEEDS
    whole = not rows and not quick
    _say(f"instructions, seeds {', '.join(map(str, seeds))}")
    ours, skipped = measure.instructions(scarlet, chosen, seeds)
    rivals = " ".join(sorted(report.rivals(ours))) if rows else ""
    theirs, _ = measure.instructions(linux, f"{chosen} {rivals}".strip(), seeds)
    if names := measure.wanted_large(rows):
        more, why = measure.large(scarlet, names)
        ours, skipped, theirs = ours | more, skipped | why, theirs | measure.large(linux, names)[0]
    sections = [("Instructions per operation", report.comparison(ours, theirs, skipped, "instructions"))]
    if any(name in ours for name in report.RIVALS):
        sections.append(("Programs of several systems", report.several(ours, theirs)))
    if any(name.startswith("grow_") for name in ours):
        sections.append(("Cost as work grows", report.growth(ours, theirs)))
    for _, lines in sections:
        _show(lines)
    r = report.ratios(ours, theirs)
    result: dict[str, object] = {"instructions": {"scarlet": ours, "linux": theirs, "skipped": skipped},
                                 "mean": report.mean(report.counted(r).values())}
    if not whole:
        return _judge(r)
    _say("cost as work grows")
    grow = [measure.instructions(s, "'grow_*'", seeds[:1])[0] | measure.large(s, measure.LARGE)[0] for s in (scarlet, linux)]
    sections.append(("Cost as work grows", report.growth(*grow)))
    _show(sections[-1][1])
    _say("boot, memory, sizes")
    machines = [{"boot": measure.boot_instructions(s), "memory": measure.memory_kib(s), "sizes": measure.sizes(s)}
                for s in (scarlet, linux)]
    sections.append(("Boot, memory, size", report.machine_rows(*machines)))
    _show(sections[-1][1])
    _say("wall clock, 1 hart")
    walls = [measure.wall(s, "") for s in (scarlet, linux)]
    sections.append(("Wall time under plain TCG, nanoseconds per operation", report.comparison(*walls, {}, "ns")))
    _show(sections[-1][1])
    _say("scaling")
    measured = [{smp: measure.scaling(s, smp) for smp in HARTS} for s in (scarlet, linux)]
    scale = [{smp: values for smp, (values, _) in of.items()} for of in measured]
    others = max(share for smp, (_, share) in measured[0].items() if smp > 1)
    if others > measure.QUIET:
        _say(f"scaling: the host was busy, others took up to {others:.0%} of it")
    sections.append(("Scaling", report.scaling(*scale, others)))
    _show(sections[-1][1])
    result |= {"growth": {"scarlet": grow[0], "linux": grow[1]}, "machine": {"scarlet": machines[0], "linux": machines[1]},
               "wall": {"scarlet": walls[0], "linux": walls[1]}, "scaling": {"scarlet": scale[0], "linux": scale[1], "host_busy": others}}
    out = build.OUT / "results.json"
    out.write_text(json.dumps(result, indent=1) + "\n")
    _write_doc(sections)
    _say(f"wrote {DOC.relative_to(ROOT)} and {out.relative_to(ROOT)}")
    return _judge(r)


def _judge(r: measure.Values) -> int:
    over = report.over_limit(r)
    for name in over:
        _say(f"over its limit: {name} {r[name]:.2f}")
    return 1 if over else 0


def main(argv: list[str]) -> int:
    """Command line entry."""
    p = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--quick", action="store_true", help="one seed, instructions only")
    p.add_argument("--kernel", type=Path, help="another Scarlet image")
    p.add_argument("rows", nargs="*", metavar="ROW")
    a = p.parse_args(argv)
    try:
        return bench(a.kernel, a.rows, a.quick)
    except (machine.MachineError, run.Failure) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
