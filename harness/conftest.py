"""Fixtures: machines with 1 and 4 harts, one boot shared by many cases, an interactive console.

`--on=linux` runs every boot test on the reference machine instead: a test that fails there is wrong. `--on=hosted` (-san, -tsan:
under sanitizers) runs them on the hosted kernel.
Boot tests are skipped only while the tree has no kernel to boot (no sources in kernel/init).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import batch, cases, console, hosted, machine



def harts() -> tuple[int, ...]:
    """The numbers of harts that tests run with. Under sanitizers one, which is more than one."""
    return (2,) if machine.chosen().sanitizers else (1, 4)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our options."""
    parser.addoption("--on", choices=list(machine.PLATFORMS), default="scarlet", help="what boot tests run on")


def pytest_configure(config: pytest.Config) -> None:
    """Markers, and the shared boots."""
    # Hosted programs inherit what is ignored here (nohup, a shell's background), and tests send them signals.
    for number, usual in {signal.SIGHUP: signal.SIG_DFL, signal.SIGQUIT: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}.items():
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)
    config.addinivalue_line("markers", "boot: boots a machine")
    config.addinivalue_line("markers", "soak: long; runs with SCARLET_SOAK=1")
    config.addinivalue_line("markers", "hosted: more of the hosted kernel; runs in make test-hosted")
    config.addinivalue_line("markers", "scarlet: about Scarlet alone, not run with --on linux")
    config.addinivalue_line("markers", "again: the kernel does what it does for another test; not under sanitizers, but in make soak")
    config.addinivalue_line("markers", "qemu: about machines in QEMU, not run with --on hosted")
    machine.use(config.getoption("--on"))
    if machine.chosen().hosted and not hosted.permitted() and not hasattr(config, "workerinput"):
        hosted.build(machine.chosen().sanitizers)
    config.stash[SHARED] = {n: batch.Batch(machine.Machine(smp=n), f"shared-{n}") for n in harts()}


def no_kernel_yet() -> bool:
    """Whether the tree has no kernel to boot at all."""
    return not any((machine.ROOT / "kernel/init").glob("*.c"))


SHARED = pytest.StashKey[dict[int, batch.Batch]]()
BOOT = pytest.StashKey[str]()
MATES = pytest.StashKey[list[pytest.Item]]()
CASES_AT_ONCE = 16  # in a boot of their own where tests run side by side


def group(items: list[pytest.Item], side_by_side: bool) -> None:
    """Which cases share a boot. Side by side (pytest -n): which tests run one after another in one process, as they share names
    in /tmp: of the hosted tests those of one function. Tests with machines of their own run anywhere."""
    numbers: dict[int, int] = {}
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        if "case" in params and "smp" in params:
            number = numbers[params["smp"]] = numbers.get(params["smp"], -1) + 1
            name = item.stash[BOOT] = f"cases-{params['smp']}-{number // CASES_AT_ONCE if side_by_side else 0}"
        elif "case" not in params and item.path.name.startswith("test_hosted"):
            name = f"{item.path.stem}-{getattr(item, 'originalname', item.name)}"
        else:
            continue
        if side_by_side:
            item.add_marker(pytest.mark.xdist_group(name))


def join(items: list[pytest.Item]) -> None:
    """Tell each case which of those that are wanted it shares its boot with."""
    mates: dict[str, list[pytest.Item]] = {}
    for item in items:
        if BOOT in item.stash:
            item.stash[MATES] = mates.setdefault(item.stash[BOOT], [])
            item.stash[MATES].append(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Queue the cases of shared boots, and mark what cannot run."""
    linux = config.getoption("--on") == "linux"
    group(items, hasattr(config, "workerinput"))  # before xdist looks at the groups
    yield
    join(items)  # after -k and -m have narrowed the list
    for item in items:
        if item.get_closest_marker("soak") and not os.environ.get("SCARLET_SOAK"):
            item.add_marker(pytest.mark.skip(reason="long: make soak"))
        if item.get_closest_marker("hosted") and not os.environ.get("SCARLET_HOSTED"):
            item.add_marker(pytest.mark.skip(reason="more of the same: make test-hosted"))
        if machine.chosen().sanitizers and item.get_closest_marker("again") and not os.environ.get("SCARLET_SOAK"):
            item.add_marker(pytest.mark.skip(reason="the same again"))
        if machine.chosen().hosted:
            if item.get_closest_marker("qemu"):
                item.add_marker(pytest.mark.skip(reason="about machines in QEMU"))
            elif item.get_closest_marker("boot") and hosted.permitted():
                item.add_marker(pytest.mark.skip(reason=hosted.permitted()))
        if item.get_closest_marker("scarlet") and linux:
            item.add_marker(pytest.mark.skip(reason="about Scarlet alone"))
        if item.get_closest_marker("boot") and not linux and no_kernel_yet():
            item.add_marker(pytest.mark.skip(reason="kernel/init has no sources yet"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Every failure ends with the one command that runs it again."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        on = item.config.getoption("--on")
        on = "" if on == "scarlet" else f" --on={on}"
        report.sections.append(("run it again", f"/usr/bin/pytest-3 -p no:cacheprovider{on} '{item.nodeid.split('@')[0]}'"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that take `smp` run once for each number of harts."""
    if "smp" in metafunc.fixturenames:
        metafunc.parametrize("smp", harts(), ids=lambda n: f"smp{n}")


@pytest.fixture
def on_linux(request: pytest.FixtureRequest) -> bool:
    """Whether the reference machine is under test."""
    return request.config.getoption("--on") == "linux"


@pytest.fixture
def shared(request: pytest.FixtureRequest, smp: int) -> Iterator[batch.Batch]:
    """The boot that this case and others with this number of harts share. After the last one: its kernel reported no broken promise."""
    one, mates = request.config.stash[SHARED][smp], request.node.stash[MATES]
    for mate in mates:
        one.want(mate.callspec.params["case"])
    yield one
    if request.node is mates[-1]:
        one.finish()
        reports, one.reports = one.reports, []
        assert not reports, "\n".join(reports)


@pytest.fixture
def guest() -> machine.Machine:
    """A machine of one hart, to be varied with dataclasses.replace."""
    return machine.Machine()


@pytest.fixture
def terminal() -> Iterator[console.Console]:
    """A machine with a shell on its console."""
    with console.Console(machine.Machine()) as one:
        yield one


def check(got: cases.Result | batch.Lost, want: cases.Result, what: str, log: Path | None) -> None:
    """Fail with expected, got and the log's end when the two differ."""
    if isinstance(got, batch.Lost):
        pytest.fail(f"{what}: {got.why}\nlog: {got.log}\n{got.tail}", pytrace=False)
    if got != want:
        pytest.fail(f"{what}: status {got.status}, expected {want.status}\n--- expected\n{show(want.output)}"
                    f"\n--- got\n{show(got.output)}\nlog: {log}", pytrace=False)


def show(data: bytes, limit: int = 3000) -> str:
    """Bytes for people: text where it is text."""
    text = data.decode(errors="backslashreplace")
    return text if len(text) <= limit else text[: limit // 2] + "\n...\n" + text[-limit // 2 :]
