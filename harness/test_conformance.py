"""Every script of the corpus prints on Scarlet what it printed on real Linux, on 1 and 4 harts."""

from __future__ import annotations

import pytest

from harness import batch, cases, machine
from harness.conftest import check

CORPUS = cases.load_all()


@pytest.mark.boot
@pytest.mark.parametrize("case", CORPUS, ids=lambda c: c.name)
def test_same_as_linux(shared: batch.Batch, smp: int, case: cases.Case) -> None:
    """One case against its recording."""
    want = cases.expected(case)
    if want is None:
        pytest.fail(f"no recording for {case.name}: make record T={case.name.split('.')[0]}", pytrace=False)
    want = cases.Result(want.output.replace(b"riscv64", machine.chosen().isa.encode()), want.status)  # recorded there
    check(shared.result(case), want, case.name, shared.log)


def test_recordings_belong_to_cases() -> None:
    """No recording is left over from a case that is gone."""
    names = {(cases.recording(c).name, c.name.rsplit(".", 1)[-1]) for c in CORPUS}
    for path in cases.RECORDED.glob("*.txt"):
        for name in cases.read_results(path):
            assert (path.name, name) in names, f"{path.name} has a result for {name}, which no script has"
