"""Record what real Linux prints: `python3 -m harness.conformance.record [FILE-STEM...]`.

Every case runs twice, in two boots with different numbers of harts; a case whose two results differ
depends on something it should not, is named, and nothing is written for it. A case with a program of harness/guest
also runs on this machine's own Linux, where that can run it, and has to print the same there.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile

from harness import batch, cases, guestprog, machine


def natively(case: cases.Case) -> cases.Result | None:
    """What a case with a program gives on this machine's own Linux, in namespaces of its own; None: cannot be run here."""
    chosen = machine.chosen().name
    machine.use("hosted")
    try:
        if platform.machine() != machine.chosen().isa or os.geteuid() or not guestprog.generated().is_dir():
            return None
        path = guestprog.overlay([case.program]) / "usr/bin"
    finally:
        machine.use(chosen)
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)  # noqa: S103
        done = subprocess.run(["unshare", "-nm", "sh", "-c", case.command], cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env={"PATH": f"{path}:/usr/bin:/bin"}, check=False)
    return cases.Result(done.stdout, done.returncode)


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
        here = natively(case) if case.program else None
        if here not in (None, first):
            print(f"record: {case.name}: another answer on this machine's Linux:\n  {first}\n  {here}", file=sys.stderr)
            bad += 1
            continue
        files.setdefault(cases.recording(case), {})[case.name] = first
    for path, results in files.items():
        cases.write_results(path, results)
        print(f"recorded {path.name}: {len(results)} cases")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
