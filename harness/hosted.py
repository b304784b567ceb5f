"""The hosted kernel (docs/hosted.md) and the same program on this machine's own Linux, side by side."""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness import cases, machine

ROOT = machine.ROOT
TREE = ROOT / "build/hosted/tree"
LIMIT = 60.0  # seconds for one program, on a loaded machine

# What both sides run for a case: as in a boot, the script has a pipe for its output and a fresh directory.
DRIVER = (
    'printf %s "$1" >/tmp/.case; mkdir -p /tmp/case; cd /tmp/case; '
    "{ sh /tmp/.case; echo $? >/tmp/.status; } </dev/null 2>&1 | cat; exit $(cat /tmp/.status)"
)
# The small root with a layer over it, in namespaces of its own.
NATIVE = (
    "mount -t tmpfs tmpfs $1 && mkdir $1/up $1/work $1/root && "
    "mount -t overlay -o lowerdir=$2,upperdir=$1/up,workdir=$1/work overlay $1/root && "
    "mount -t proc proc $1/root/proc && mount --rbind /dev $1/root/dev && "
    'exec chroot $1/root /bin/busybox env -i PATH=/bin HOME=/root TERM=linux /bin/sh -c "$3" driver "$4"'
)


class HostedError(Exception):
    """The hosted kernel cannot be built or run here."""


@functools.cache
def build(sanitizers: str = "") -> Path:
    """The program, built; where tests run side by side it was before (make test-hosted)."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        done = subprocess.run(
            ["make", "-s", "hosted", f"SAN={sanitizers}"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise HostedError(f"make hosted SAN={sanitizers}: {done.stderr[-2000:]}")
    return ROOT / {"": "build/hosted", "thread": "build/hosted-tsan"}.get(sanitizers, "build/hosted-san") / "scarlet-host"


# Addresses of the program in reports of the kernel and of the thread sanitizer.
ADDRESS = re.compile(r"(?:<null> <null> )?\(scarlet-host\+0x([0-9a-f]{6})\)(?: \(BuildId: \w+\))?|\b0000000000([0-9a-f]{6})$", re.MULTILINE)


def named(text: str, program_: Path) -> str:
    """A report with functions and lines for addresses."""
    addresses = sorted({a or b for a, b in ADDRESS.findall(text)})
    if not addresses:
        return text
    done = subprocess.run(["llvm-addr2line-19", "-fse", str(program_), *addresses], capture_output=True, text=True, check=False)
    out = done.stdout.splitlines()
    names = {a: f"{out[2 * i]} ({out[2 * i + 1]})" for i, a in enumerate(addresses) if 2 * i + 1 < len(out)}
    return ADDRESS.sub(lambda m: names.get(m[1] or m[2], m[0]), text)


def where(pid: int) -> str:
    """What gdb tells of a hosted kernel that hangs: its threads, and where tasks sleep."""
    commands = ["scarlet tasks", "scarlet threads", "thread apply all bt 12"]
    words = ["gdb", "-q", "-batch", "-x", str(ROOT / "harness/gdb/scarlet.py"), "-p", str(pid), *(w for c in commands for w in ("-ex", c))]
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return f"gdb: {error}"


# What the build and the comparison need beyond ci/setup.
NEEDS = ["/usr/bin/strace", "/usr/include/libfdt.h", "/usr/lib/x86_64-linux-gnu/libfdt.a", "/usr/bin/gcc", "/usr/bin/perl", "/usr/bin/git",
         "/usr/bin/unshare"]
# What case_on_linux does, in short.
TRIAL = """mount -t tmpfs tmpfs /mnt && mkdir /mnt/low /mnt/up /mnt/work /mnt/root && mkdir /mnt/root/proc &&
           mount -t overlay -o lowerdir=/mnt/low,upperdir=/mnt/up,workdir=/mnt/work overlay /mnt/root"""


@functools.cache
def permitted() -> str:
    """Why guest processes and their comparison cannot be had on this machine; empty: they can."""
    missing = [name for name in NEEDS if not Path(name).exists()]
    if platform.machine() != "x86_64" or missing:
        return f"needs x86-64 with {' '.join(missing)}"
    for what, trial in (("ptrace", ["/usr/bin/strace", "-qo", "/dev/null", "/bin/true"]),
                        ("namespaces with an overlay", ["/usr/bin/unshare", "-mpuif", "--kill-child", "--propagation", "private", "/bin/sh", "-c", TRIAL])):
        if subprocess.run(trial, check=False, capture_output=True).returncode:
            return f"this machine does not permit {what}"
    return ""


def run(
    argv: Sequence[str],
    *,
    hosted: bool = True,
    options: Sequence[str] = (),
    data: bytes | None = None,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    sanitizers: str = "",
    user: int | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program on the hosted kernel, or natively; a sanitizer's report is an error."""
    whole = [str(build(sanitizers)), *options, "--", *argv] if hosted else list(argv)
    done = subprocess.run(
        whole, input=data, stdin=subprocess.DEVNULL if data is None else None, capture_output=True, cwd=cwd, env=env,
        timeout=LIMIT, check=False, user=user, group=user,
    )
    if b"Sanitizer" in done.stderr or b"runtime error:" in done.stderr:
        at = max(0, min(i for i in (done.stderr.find(b"Sanitizer"), done.stderr.find(b"runtime error:")) if i >= 0) - 200)
        raise HostedError(named(done.stderr[at : at + 12000].decode(errors="backslashreplace"), build(sanitizers))[:6000])
    return done


def case_on_hosted(case: cases.Case, options: Sequence[str] = (), sanitizers: str = "") -> cases.Result:
    """A conformance case on the hosted kernel with the small root."""
    build(sanitizers)
    done = run(
        ["/bin/sh", "-c", DRIVER, "driver", case.command.decode()], options=["--root", str(TREE), *options],
        env={"PATH": "/bin", "HOME": "/root", "TERM": "linux"}, sanitizers=sanitizers,
    )
    return _result(done)


def case_on_linux(case: cases.Case) -> cases.Result:
    """The same on this machine's own Linux."""
    build()
    place = Path(tempfile.mkdtemp(prefix="scarlet-case-"))
    try:
        done = subprocess.run(
            ["unshare", "-mpuif", "--kill-child", "--propagation", "private", "/bin/sh", "-c", NATIVE, "native",
             str(place), str(TREE), DRIVER, case.command.decode()],
            capture_output=True, stdin=subprocess.DEVNULL, timeout=LIMIT, check=False,
        )
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return _result(done)


def _result(done: subprocess.CompletedProcess[bytes]) -> cases.Result:
    return cases.Result(done.stdout + done.stderr, done.returncode)


@functools.cache
def program(name: str, *more: str) -> Path:
    """A program of harness/hosted_guest, compiled for this machine; more: sources of the hosted kernel's host half."""
    out = ROOT / "build/hosted/guest" / name
    out.parent.mkdir(parents=True, exist_ok=True)
    source = ROOT / "harness/hosted_guest" / f"{name}.c"
    part = out.with_name(f"{name}.{os.getpid()}")  # others may be building it as well
    command = ["clang-19", "-std=c23", "-O1", "-static", "-Wall", "-Wextra", f"-I{out.parent}", "-o", str(part), str(source)]
    if more:
        command += [f"-I{ROOT}/kernel/{d}" for d in ("lib/include", "arch/include", "arch/hosted/include", "arch/hosted/host")]
        command += [str(ROOT / "kernel/arch/hosted/host" / source_) for source_ in more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HostedError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return part.replace(out)


def start(argv: Sequence[str], options: Sequence[str] = (), **kwargs: object) -> subprocess.Popen[bytes]:
    """A program on the hosted kernel, left running."""
    return subprocess.Popen([str(build()), *options, "--", *argv], **kwargs)  # type: ignore[call-overload,no-any-return]


def children_of(pid: int) -> list[int]:
    """Processes whose parent is pid."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                stat = Path(entry.path, "stat").read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            if int(stat.rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(entry.name))
    return found


__all__ = ["HostedError", "TREE", "build", "case_on_hosted", "case_on_linux", "children_of", "named", "permitted", "program", "run",
           "signal", "start"]
