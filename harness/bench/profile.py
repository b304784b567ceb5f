"""Where the instructions of one operation go, by function: `make profile ROW=stat`.

    python3 -m harness.bench.profile [--kernel IMAGE] [--out DIR] [--physical] [--smp HARTS] ROW...

Writes ROW.folded (stacks as `a;b;c count`) and ROW.svg (a flame graph) into build/profile and prints the functions that
cost most per operation: `self` in the function itself, `all` with what it calls. With several harts theirs are added up, and what
waits in a loop for another hart shows.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from harness import machine, run
from harness.bench import build, flame, guest, symbols
from harness.machine import ROOT

Stacks = dict[tuple[str, ...], int]


def _record(kernel: Path, row: str, raw: Path, smp: int) -> int:
    """Run the row under the plugin. Returns how many operations it did."""
    elf = kernel.with_suffix(".elf")
    trap, switch = symbols.addresses(elf, "trap_entry", "arch_context_switch")
    plugin = f"{build.plugin()},out={raw},trap={trap:x},switch={switch:x}"
    text = guest.output(guest.scarlet(kernel, build.overlay(), smp), f"/bench/kbench -m '{row}'",
                        [*guest.icount(1), "-plugin", plugin], "profile")
    for line in text.splitlines():
        words = line.split()
        if words[:1] == [row] and len(words) == 4:
            print(line)
            return int(words[3])
    raise machine.MachineError(f"kbench {row} did not run: {text.strip()}")


def _stacks(kernel: Path, raw: Path, physical: bool) -> tuple[Stacks, int]:
    """The stacks by function names with their instructions, and the instructions in user mode."""
    elf = kernel.with_suffix(".elf")
    code = symbols.Code(kernel, symbols.addresses(elf, "_text")[0])
    nodes: dict[int, tuple[int, int, int]] = {}
    counts: list[tuple[int, int, int, int]] = []
    user = 0
    for line in raw.read_text().splitlines():
        words = line.split()
        if words[0] == "node":
            nodes[int(words[1])] = (int(words[2]), int(words[3], 16), int(words[4], 16))
        elif words[0] == "count":
            counts.append((int(words[1]), int(words[2], 16), int(words[3], 16), int(words[5])))
        elif words[0] == "user":
            user = int(words[1])
    pcs = {pc for _, start, end, _ in counts for pc in code.split(start, end)}
    # The caller of a node is where its call instruction stands: before the return address.
    sites = {site - 1 for _, site, _ in nodes.values() if site}
    chain = symbols.chains(elf, pcs | sites)
    if physical:
        chain = {pc: names[:1] for pc, names in chain.items()}
    paths: dict[int, tuple[str, ...]] = {0: ()}

    def path(number: int) -> tuple[str, ...]:
        if number not in paths:
            parent, site, _ = nodes[number]
            paths[number] = (*path(parent), *(chain[site - 1] if site else ()))
        return paths[number]

    stacks: Counter[tuple[str, ...]] = Counter()
    for number, start, end, times in counts:
        for pc in code.split(start, end):
            stacks[(*path(number), *chain[pc])] += times
    return dict(stacks), user


def _report(stacks: Stacks, user: int, operations: int, lines: int) -> None:
    alone: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for stack, count in stacks.items():
        alone[stack[-1]] += count
        for name in set(stack):
            total[name] += count
    print(f"kernel {sum(stacks.values()) / operations:.1f}, user {user / operations:.1f} instructions per operation")
    print(f"{'self':>10} {'all':>10}  function")
    for name, count in alone.most_common(lines):
        print(f"{count / operations:10.1f} {total[name] / operations:10.1f}  {name}")


def _annotate(kernel: Path, raw: Path, operations: int, function: str) -> None:
    """The instructions of a function as the linker left it, with how often each ran per operation."""
    elf = kernel.with_suffix(".elf")
    code = symbols.Code(kernel, symbols.addresses(elf, "_text")[0])
    times: Counter[int] = Counter()
    for line in raw.read_text().splitlines():
        words = line.split()
        if words[0] == "count":
            for pc in code.split(int(words[2], 16), int(words[3], 16)):
                times[pc] += int(words[5])
    for line in symbols.disassembly(elf, function):
        pc = line.split(":")[0].strip()
        ran = times.get(int(pc, 16), 0) if pc.startswith("ffff") and " " not in pc else 0
        print(f"{ran / operations:10.1f}  {line}" if ran else f"{'':10}  {line}")


def profile(kernel: Path, row: str, out: Path, physical: bool = False, lines: int = 25,
            annotate: str | None = None, smp: int = 1) -> None:
    """Record, write ROW.folded and ROW.svg, print the top of the list."""
    out.mkdir(parents=True, exist_ok=True)
    raw = out / f"{row}.raw"
    operations = _record(kernel, row, raw, smp)
    if annotate:
        _annotate(kernel, raw, operations, annotate)
        return
    stacks, user = _stacks(kernel, raw, physical)
    _report(stacks, user, operations, lines)
    folded = out / f"{row}.folded"
    folded.write_text("".join(f"{';'.join(s)} {n}\n" for s, n in sorted(stacks.items())))
    picture = out / f"{row}.svg"
    title = f"{row}: {sum(stacks.values()) / operations:.0f} kernel instructions per operation"
    picture.write_text(flame.svg(stacks, title, operations))
    print(f"{folded}\n{picture}")


def main(argv: list[str]) -> int:
    """Command line entry."""
    p = argparse.ArgumentParser(prog="profile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kernel", type=Path, help="kernel image (its .elf beside it)")
    p.add_argument("--out", type=Path, default=ROOT / "build/profile")
    p.add_argument("--physical", action="store_true", help="count inlined functions with what they were inlined into")
    p.add_argument("--annotate", metavar="FUNCTION", help="print this function's instructions with their counts instead")
    p.add_argument("--lines", type=int, default=25)
    p.add_argument("--smp", type=int, default=1, metavar="HARTS")
    p.add_argument("rows", nargs="+", metavar="ROW")
    a = p.parse_args(argv)
    try:
        for row in a.rows:
            profile(a.kernel or machine.scarlet_kernel(), row, a.out, a.physical, a.lines, a.annotate, a.smp)
    except (machine.MachineError, run.Failure) as error:
        print(f"profile: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
