"""The native and the xv6 ABI on the hosted kernel: three systems in one line, their own test programs, views.

`make test` runs a few of them, `make test-hosted` all.
"""

from __future__ import annotations

import os
import re
from itertools import permutations

import pytest

from harness import hosted, machine, trouble
from harness.conftest import show

pytestmark = pytest.mark.skipif(bool(hosted.permitted()), reason=hosted.permitted() or "-")
ABIS = machine.SHELLS
TRANSPORTS = ["trap", pytest.param("ptrace", marks=pytest.mark.hosted)]
# xv6's root shows no /etc but its own; the base tree is at /scarlet in every view.
PASSWD = {"linux": "/etc/passwd", "scarlet": "/etc/passwd", "xv6": "/scarlet/etc/passwd"}
# An overlay cannot be the upper layer of another: the tests make one in /tmp.
NATIVE_TEST = "mount -t tmpfs tmpfs /tmp; scarlet_native-test"
IN_A_FOLDER = "cp -r /system/xv6-x86_64 /tmp/xv6 && cd /tmp/xv6 && "


def run(command: str, *options: str, shell: str = "/bin/sh", sanitizers: str = "", user: int | None = None) -> tuple[str, int]:
    """Output and status of one command line on the small root, with the kernel's complaints in between."""
    hosted.build(sanitizers)
    done = hosted.run([shell, "-c", command], options=["--root", str(hosted.TREE), "--log", "5", *options],
                      env={"PATH": "/bin:/names", "HOME": "/root"}, sanitizers=sanitizers, user=user)
    output = done.stdout + done.stderr
    assert not trouble.in_log(output), show(output)
    return show(output), done.returncode


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("cpus", ["1", "4"])
def test_six_orders_from_three_shells(cpus: str, transport: str) -> None:
    """A line through three systems, whatever the order and whoever's shell reads it."""
    orders = "; ".join(f"{a}_cat {PASSWD[a]} | {b}_grep root | {c}_wc" for a, b, c in permutations(ABIS))
    for abi in ABIS:
        output, status = run(orders, "--cpus", cpus, "--transport", transport, shell=f"/names/{abi}_sh")
        assert [line.split() for line in output.splitlines()] == [["1", "1", "30"]] * 6 and status == 0, f"{abi}'s shell printed {output}"


def test_beside_this_machines_programs() -> None:
    """The other systems' trees bound over this machine's own: one line through its grep and their programs."""
    hosted.build()
    done = hosted.run(["bash", "-c", "scarlet_cat /etc/passwd | grep ^root: | xv6_wc"], options=["--bind", f"{hosted.TREE}/system:/system:ro"],
                      env={**os.environ, "PATH": f"{os.environ['PATH']}:/names"})
    assert done.stdout.split()[0] == b"1" and done.returncode == 0, done


def test_names_without_directory() -> None:
    """As the first program too: a native program is found in PATH by its generated name, and the working directory is kept."""
    done = hosted.run(["scarlet_grep", "root", "/etc/passwd"], options=["--root", str(hosted.TREE)], env={"PATH": "/bin:/names"})
    assert done.stdout.startswith(b"root:x:0:0:") and done.returncode == 0, done
    output, status = run("cd /home; scarlet_pwd; linux_sh -c 'pwd; xv6_sh -c \"/scarlet/names/scarlet_pwd\"'")
    assert (output, status) == ("/home\n/home\n/home\n", 0)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_native_calls(transport: str) -> None:
    """The test program of the native ABI: what it says on riscv64; zones of Linux's calls among it."""
    output, status = run(NATIVE_TEST, "--cpus", "2", "--mem", "160", "--transport", transport)
    assert re.fullmatch(r"(ok \w+\n){8,}", output) and "ok fuzz\n" in output and status == 0, output


# Those that a machine could do otherwise.
OF_THE_MACHINE = ("registers_survive unknown_calls foreign_addresses_kill layout grow_and_shrink shrinking_below_the_program lazy_growth "
                  "text_cannot_be_written buffers strings_at_the_edge exec_works kill_spinning")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("words", [f" {OF_THE_MACHINE}", *(pytest.param(how, marks=pytest.mark.hosted) for how in ("", "-main", "-rwx"))],
                         ids=["few", "all", "main", "rwx"])
def test_xv6_statements(words: str, transport: str) -> None:
    """Statements of docs/xv6.md; all of them for each way of linking."""
    output, status = run(f"{IN_A_FOLDER} ./xv6test{words}; exit $?", "--cpus", "2", "--transport", transport)
    assert status == 0, "\n".join(line for line in output.splitlines() if not line.startswith("ok "))
    assert re.search(r"^\d+ tests, 0 failed$", output, re.MULTILINE)


def test_changes_stay_in_the_systems_views() -> None:
    """What a system changes is its own, seen by the next program of it, and thrown away at the end."""
    before = sorted(path.name for path in (hosted.TREE / "data/config").iterdir())
    output, status = run("scarlet_sh -c 'echo mine >/note'; xv6_sh -c 'cd /; echo ours > note'; scarlet_cat /note; "
                         "xv6_sh -c 'cd /; cat note'; test -e /note || cat /data/config/*/note; echo left >/data/shared/a; xv6_cat /data/shared/a")
    lines = output.splitlines()
    assert lines == ["mine", "ours", "mine", "ours", "left"] and status == 0, output
    assert sorted(path.name for path in (hosted.TREE / "data/config").iterdir()) == before
    assert not list((hosted.TREE / "data/shared").iterdir())


def test_who_ended_whom() -> None:
    """Ends are told across systems: statuses, signals, faults."""
    output, status = run("""xv6_act exit 7; echo $?; xv6_act read 0x80000000; echo $?; timeout -s KILL 1 xv6_act spin; echo $?
        scarlet_sh -c 'xv6_act exit 300; echo $?; linux_sh -c "kill -TERM \\$\\$"; echo $?'; linux_sh -c 'scarlet_sleep 100 & kill $!; wait $!'; echo $?""")
    assert status == 0 and [line for line in output.split("\n") if line.isdigit()] == ["7", "139", "137", "44", "143", "143"], output


@pytest.mark.hosted
@pytest.mark.skipif(os.geteuid() != 0, reason="becomes an ordinary user")
def test_ordinary_user() -> None:
    """An ordinary user's kernel runs all three, xv6's programs too, which lie low in memory."""
    output, status = run("scarlet_cat /etc/passwd | grep root | xv6_wc; scarlet_sh -c 'echo x >/scarlet/etc/x' 2>&1; id -u", user=65534)
    assert output.split("\n") == ["1 1 30 ", "sh: /scarlet/etc/x: denied", "65534", ""] and status == 0, output


@pytest.mark.hosted
@pytest.mark.parametrize("command", [NATIVE_TEST, f"{IN_A_FOLDER} ./xv6test; exit $?"], ids=["native", "xv6"])
def test_under_sanitizers(command: str) -> None:
    """Address and undefined-behaviour sanitizers have nothing to report."""
    output, status = run(command, "--cpus", "2", sanitizers="address,undefined")
    assert status == 0, output
