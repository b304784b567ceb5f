"""The executor: scripts, runtimes, views of several ABIs, and that a failed exec leaves nothing behind."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from harness import guestprog, machine, once

pytestmark = [pytest.mark.boot, pytest.mark.scarlet]
ISA = machine.chosen().isa
XV6 = machine.ROOT / "abi/xv6"
NATIVE = machine.ROOT / "abi/scarlet"


def boot(what: machine.Machine, command: str, timeout: float = 60) -> tuple[list[str], str]:
    """The lines that a command prints, and the kernel's log."""
    done = once.boot(what, command, timeout)
    return done.lines, done.log


@pytest.fixture(name="worlds")
def three_worlds(guest: machine.Machine, tmp_path: Path) -> machine.Machine:
    """A machine with a system tree for each ABI; the boot image's own tree stays the base."""
    linux, xv6 = (f"system/{abi}-{ISA}" for abi in ("linux", "xv6"))
    for folder in (f"{linux}/bin", f"{linux}/etc", xv6, "system/scarlet/bin", "system/etc",
                   "data/shared", "data/config", "home/u"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(guestprog.build_for("hop", "linux"), tmp_path / linux / "bin/hop")
    (tmp_path / linux / "etc/issue").write_text("the linux view\n")
    if XV6.is_dir():
        shutil.copy(guestprog.build_for("hop", "xv6"), tmp_path / xv6 / "hop")
    if NATIVE.is_dir():
        shutil.copy(guestprog.build_for("hop", "native"), tmp_path / "system/scarlet/bin/hop")
    return dataclasses.replace(guest, overlay=tmp_path)


# The base tree's busybox serves as the Linux view's too.
TREE = """
    export PATH=$PATH:/names; cp /bin/busybox /system/linux-$(uname -m)/bin/
    for a in sh ash cat echo ls pwd env readlink; do ln -s busybox /system/linux-$(uname -m)/bin/$a; done; cd /home/u
"""
needs_both = pytest.mark.skipif(not (XV6.is_dir() and NATIVE.is_dir()), reason="built without one of the ABIs")


def test_scripts(guest: machine.Machine) -> None:
    """Interpreters of interpreters, to the fifth; then ELOOP."""
    lines, _ = boot(guest, """
        cd /tmp; printf '#!/bin/sh\necho $0 $*\n' > s0; printf '#!/tmp/s0 arg\n' > s1; i=1
        while [ $i -lt 6 ]; do printf "#!/tmp/s$i\n" > s$((i+1)); i=$((i+1)); done; chmod +x s*; ./s0 a; ./s1 b; ./s4; ./s6 2>&1""")
    assert lines == ["./s0 a", "/tmp/s0 arg ./s1 b", "/tmp/s0 arg /tmp/s1 /tmp/s2 /tmp/s3 ./s4", "sh: ./s6: Too many levels of symbolic links"]


REGISTRY = r"""
    mkdir -p /system/etc; cd /tmp; cat > /system/etc/runtimes <<'END'
# made-up formats
demo  magic@0=44454d4f+suffix=.demo  auto  /tmp/rt  -v two
mask  magic@1=40/f0                  auto  /tmp/rt
wrong line
x86   machine=62                     auto  /tmp/rt  -86
one   suffix=.one  auto  /tmp/r.two
two   suffix=.two  auto  /tmp/r.one
gone  suffix=.gone auto  /nowhere
abi   suffix=.abi  other /tmp/rt
d1    suffix=.d1   auto  /tmp/x.d2
d2    suffix=.d2   auto  /tmp/x.d3
d3    suffix=.d3   auto  /tmp/x.d4
d4    suffix=.d4   auto  /tmp/rt
d5    suffix=.d5   auto  /tmp/x.d1
END
    printf '#!/bin/sh\necho rt "$@"\n' > rt; printf 'DEMO' > a.demo; printf 'xLy' > masked; for n in 1 2 3 4 5; do printf 'z\1' > x.d$n; done
    for n in r.one r.two f.one q.gone q.abi; do printf 'z\2' > $n; done; chmod +x *
"""


def test_runtimes(guest: machine.Machine) -> None:
    """Registered formats run; loops, depth and missing runtimes are told apart, and the registry may change."""
    lines, log = boot(guest, REGISTRY + r"""
        ./a.demo x y; ./masked; ./x.d1 q; ./x.d5 2>&1; ./f.one 2>&1; ./q.gone 2>&1; ./q.abi 2>&1
        echo 'demo suffix=.demo auto /tmp/rt changed' > /system/etc/runtimes; ./a.demo; rm /system/etc/runtimes; ./a.demo 2>&1 | head -n 1 | grep -c rt""")
    assert lines == ["rt -v two ./a.demo x y", "rt ./masked", "rt /tmp/x.d4 /tmp/x.d3 /tmp/x.d2 ./x.d1 q",
                     "sh: ./x.d5: Too many levels of symbolic links", "sh: ./f.one: Too many levels of symbolic links",
                     "sh: ./q.gone: not found", "sh: ./q.abi: not found", "rt changed ./a.demo", "0"]
    assert "/system/etc/runtimes:4: " in log and "/nowhere named by /system/etc/runtimes, line gone" in log


# Made-up formats for tally, the interpreter of harness/guest: by magic with a mask, by suffix, by the machine of an ELF file.
TALLY = r"""
    cd /home; cat > /system/etc/runtimes <<'END'
native  magic@0=544c5900/ffffff00+suffix=.n  scarlet        /bin/tally
linux   magic=544c5931                       linux          /usr/bin/tally
vax     machine=75                           auto           /bin/echo       vax
quiet   suffix=.q                            scarlet        /bin/tally      -q
over    suffix=.over                         auto           /home/under.n
again   suffix=.again                        xv6            /nowhere/tally
END
    printf 'TLY1\n2 3 + $ * .\n' > a.n; cp a.n a; cp a.n under.n; printf 'x' > two.over
    printf 'x' > no.again; printf '\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\113\0\1\0\0\0' > vax
    head -c 40 /dev/zero >> vax; chmod +x a a.n under.n two.over no.again vax
"""


@needs_both
def test_made_up_format(guest: machine.Machine, tmp_path: Path, smp: int) -> None:
    """A small interpreter, as a native and as a Linux program, runs files of its format, called from all three systems."""
    guestprog.install("tally", tmp_path)
    calls = "/home/a.n 7; /home/a 9"
    lines, log = boot(dataclasses.replace(guest, smp=smp, overlay=tmp_path), TALLY + calls + f"""
        linux_sh -c '{calls}'; scarlet_sh -c '{calls}'; xv6_sh -c '{calls}'
        ./vax up 2>&1; ./two.over; ./no.again 2>&1; mv a.n b.n; ./b.n 1; cp b.n quiet.q; scarlet_sh -c './quiet.q 2'""")
    # A file's own name is kept where the runtime sees it under that name; else it is told in full. The second line of the
    # registry's two that fit quiet.q is not asked. two.over is run by a program that needs a runtime itself.
    assert lines == [*["native tally /home/a.n", "35", "linux tally /home/a", "45"] * 4, "vax ./vax up",
                     "native tally /home/under.n", "-5", "sh: ./no.again: not found", "native tally /home/b.n", "5",
                     "linux tally /home/quiet.q", "10"]
    assert "/nowhere/tally named by /system/etc/runtimes, line again" in log


def test_own_abi_keeps_the_view(guest: machine.Machine) -> None:
    """Programs of the first program's ABI stay in the base tree; nothing is composed for them."""
    assert boot(guest, "sh -c 'sh -c pwd'; cat /etc/hostname; mount | grep -c overlay")[0] == ["/root", "scarlet", "0"]


@needs_both
def test_views(worlds: machine.Machine, smp: int) -> None:
    """Programs of all ABIs by name; each sees its own root, and shared places are the same for all."""
    lines, _ = boot(dataclasses.replace(worlds, smp=smp), TREE + """
        cat /etc/issue 2>/dev/null || echo none; scarlet_hop /names/linux_cat /etc/issue; xv6_hop /names/linux_cat /etc/issue
        scarlet_hop /names/linux_hop /names/xv6_hop /names/scarlet_hop /names/linux_echo round trip
        scarlet_hop /names/linux_sh -c 'pwd; echo mine > /etc/new; echo shared > /home/u/f; echo $0; cat /scarlet/etc/hostname; cd /bin; xv6_hop /names/linux_pwd'
        cat f; ls /etc/new 2>/dev/null; cat /data/config/linux-$(uname -m)/etc/new; xv6_hop /names/linux_cat /etc/new; find /data/config -type f
        FOO=bar HOME=/home/u scarlet_hop /names/linux_env | grep -E '^(FOO|HOME|PATH)=' | sort | cut -c1-41""")
    assert lines == ["none", "the linux view", "the linux view", "round trip", "/home/u", "sh", "scarlet", "/", "shared", "mine", "mine",
                     f"/data/config/linux-{ISA}/etc/new", "FOO=bar", "HOME=/home/u", "PATH=/bin:/usr/bin:/sbin:/usr/sbin:/names"]


@needs_both
def test_scripts_across_abis(worlds: machine.Machine) -> None:
    """A script is handed to its interpreter under the name that the interpreter's view gives it."""
    lines, _ = boot(worlds, TREE + r"""
        printf '#!/bin/ash\necho "$0 $*"\n' > s; chmod +x s; cp s /usr/bin/base; scarlet_hop ./s 1; xv6_hop /scarlet/usr/bin/base 2
        printf '#!/names/scarlet_hop /names/linux_cat\nbody\n' > n; chmod +x n; ./n | tail -n 1; cp n /usr/bin/n; n | tail -n 1
        mkdir -p /tmp/jail/bin; cp /bin/busybox /tmp/jail/bin; cp n /tmp/jail/n; chroot /tmp/jail /bin/busybox sh -c './n' 2>&1""")
    assert lines == ["/home/u/s 1", "/scarlet/usr/bin/base 2", "body", "body", "sh: ./n: not found"]


@needs_both
def test_registry_with_views(worlds: machine.Machine) -> None:
    """A runtime in another ABI's view gets the file's name as that view shows it."""
    lines, _ = boot(worlds, TREE + r"""
        echo 'demo suffix=.demo linux /bin/echo run' > /system/etc/runtimes; printf x > a.demo; chmod +x a.demo; cp a.demo /usr/bin/b.demo
        xv6_hop /home/u/a.demo 1; xv6_hop /scarlet/usr/bin/b.demo; ./a.demo 2
        printf y > /system/xv6-$(uname -m)/c.demo; chmod +x /system/xv6-$(uname -m)/c.demo; xv6_hop /c.demo""")
    assert lines == ["run /home/u/a.demo 1", "run /scarlet/usr/bin/b.demo", "run ./a.demo 2", f"run /scarlet/system/xv6-{ISA}/c.demo"]


@needs_both
@pytest.mark.parametrize("step", range(1, 10))
def test_failure_leaves_the_caller_alone(worlds: machine.Machine, step: int) -> None:
    """Each step before the commit point fails in turn: the caller goes on, and no memory is missing."""
    lines, _ = boot(dataclasses.replace(worlds, append=f"exec.fail={step}"), TREE + """
        cp /names/xv6_hop faulty; cat > go <<'END'
exec 7<go; linux_hop -f ./faulty; echo $?; read -r first <&7; echo $first | cut -c1-6; pwd
END
        sh ./go; scarlet_hop -f ./faulty; echo $?; xv6_hop -f ./faulty; echo $?; free() { awk '/^MemFree/ {print $2}' /proc/meminfo; }
        many() { i=0; while [ $i -lt $1 ]; do ./faulty 2>/dev/null; scarlet_hop -f ./faulty > /dev/null; i=$((i+2)); done; }
        many 100; sleep 0.3; a=$(free); many 300; sleep 0.3; b=$(free); [ $((a - b)) -lt 400 ] && echo whole || echo lost $((a - b)); xv6_hop /names/linux_echo alive""")
    assert lines == ["failed", "3", "exec 7", "/home/u", "failed", "3", "failed", "3", "whole", "alive"]
