"""Record what real Linux prints: `python3 -m harness.conformance.record [FILE-STEM...]`.

Every case runs twice, in two boots with different numbers of harts; a case whose two results differ
depends on something it should not, is named, and nothing is written for it.
"""

from __future__ import annotations

import sys

from harness import batch, cases, machine


def main(stems: list[str]) -> int:
    """Record all case files, or those named."""
    todo = [c for c in cases.load_all() if not stems or c.name.split(".")[0] in stems]
    unknown = set(stems) - {c.name.split(".")[0] for c in todo}
    if unknown:
        print(f"record: no case file named {' '.join(sorted(unknown))}", file=sys.stderr)
        return 1
    batches = [batch.Batch(machine.Machine(smp=n, on="linux"), f"record-{n}") for n in (1, 4)]
    for one in batches:
        for case in todo:
            one.want(case)
    bad = 0
    files: dict = {}
    for case in todo:
        first, second = (one.result(case) for one in batches)
        for result in (first, second):
            if isinstance(result, batch.Lost):
                print(f"record: {case.name}: {result.why}; log: {result.log}", file=sys.stderr)
        if isinstance(first, batch.Lost) or isinstance(second, batch.Lost) or first != second:
            print(f"record: {case.name}: two runs differ:\n  {first}\n  {second}", file=sys.stderr)
            bad += 1
            continue
        files.setdefault(cases.recording(case), {})[case.name] = first
    for path, results in files.items():
        cases.write_results(path, results)
        print(f"recorded {path.name}: {len(results)} cases")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
