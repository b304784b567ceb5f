"""After all cases of the shared boots: their kernels reported no broken promise. Runs last by its name."""

from __future__ import annotations

import pytest

from harness import batch

pytestmark = pytest.mark.boot


def test_log_is_clean(shared: batch.Batch, smp: int) -> None:
    """No BUG, UBSAN, lock-order or no-progress report in the logs of the shared boots."""
    if shared.log is None:
        pytest.skip("no case ran in a shared boot")
    shared.finish()
    assert not shared.reports, "\n".join(shared.reports)
