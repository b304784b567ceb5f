"""A program's calls on the hosted kernel, told by the kernel's own tracer, beside those that strace sees natively.

Both are brought to one form: addresses, process numbers, times and what RULES names are taken out. Then every process
of one run must have made the same calls with the same results in the same order as its counterpart in the other.

By hand: python3 -m harness.hosted_trace -- git --version
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from harness import hosted

# What may differ, and why. Each is applied to one call as text, on both sides.
Rule = tuple[str, str | Callable[[re.Match[str]], str], str]
RULES: list[Rule] = [
    (r"\b0x[0-9a-f]{5,}\b", "@", "addresses"),
    (r"/\* \d+ vars \*/", "/* vars */", "the environment: strace adds to it"),
    (r"^rseq\(.*", "rseq", "not there; glibc does without"),
    (r"^(getpid|gettid|getppid|getpgrp|getpgid|getsid|set_tid_address|clone|clone3|fork|vfork|wait4|waitid|kill|tgkill|setpgid|pidfd_open)\b.*",
     lambda m: re.sub(r"(?<![\w.])\d+(?![\w.])", "#", m[0]), "process numbers"),
    (r"\{ru_utime=.*?\.\.\.\}", "{rusage}", "processor time"),
    (r"\{tv_sec=-?\d+(?: /\* .*? \*/)?, tv_n?u?sec=\d+\}", "{time}", "times"),
    (r"^(time|times|clock)\b.*", r"\1", "times"),
    (r"^(prlimit64\(0, \w+, NULL, ).*", r"\1", "the machine's limits"),
    (r"^(uname|sysinfo|statfs|fstatfs|getcpu|sched_getaffinity)\(.*", r"\1", "the machine, or chance"),
    (r"stx_mask=[A-Z_|]+", "stx_mask", "what a file system knows of a file beyond the basic"),
    (r"(st_mode=S_IFDIR[\w|]*, st_size=)\d+", r"\1", "size of a directory: the file system's own measure"),
    (r"^(getpeername\(\d+, @, )(@|\[\d+\])", r"\1", "strace shows the length after an error too"),
    (r"sa_sigaction=", "sa_handler=", "how strace writes it"),
    (r"BTRFS_IOC_CLONE or FICLONE", "FICLONE", "how strace writes it"),
    (r"^(f?chmod(?:at)?\(.*, )(?:S_IFREG\|0|0100)(\d+\))", r"\g<1>0\2", "how strace writes it"),
    (r"/(tn|t|cc|sh-thd\.|tmp_obj_)[A-Za-z0-9]{6}(?=[\"./])", r"/\1XXXXXX", "names by chance"),
    (r"^(exit_group\(\d+).*", r"\1", "does not come back"),
]
# Not calls; and what chance decides: when a child ends, so what is interrupted by it and who fetches it first; when glibc
# wants more random bits; when Python wants another arena (addresses decide how much of one it can use).
NOTES = re.compile(r"^(---|\+\+\+|strace:|rt_sigreturn\(|wait4\(|getrandom\(|(mmap\(NULL|munmap\(0x[0-9a-f]+), 1048576\b)|= \? ERESTART")
# Files whose contents are the machine's, chance, or times (git's index).
OWN = re.compile(r'^openat\(AT_FDCWD, "(/proc/|/sys/|/dev/u?random|[^"]*/index(?:\.lock)?").* = (\d+)$')
START = re.compile(r"^(clone|clone3|fork|vfork)\(.*= (\d+)$", re.DOTALL)


def plain(call: str) -> str:
    """One call as both sides tell it."""
    call = re.sub(r"\)\s+= ", ") = ", call)
    for pattern, put, _ in RULES:
        call = re.sub(pattern, put, call)
    return call


def calls_of(lines: list[str]) -> list[str]:
    """The calls of one process, without what depends on the machine."""
    out: list[str] = []
    own: set[str] = set()
    for line in lines:
        if NOTES.match(line):
            continue
        call = plain(line)
        if m := OWN.match(call):
            own.add(m[2])
        elif m := re.match(r"close\((\d+)\)", call):
            own.discard(m[1])
        elif (m := re.match(r"(read|pread64|write|lseek|newfstatat|fstat)\((\d+),", call)) and m[2] in own:
            call = m[0]
        out.append(call)
    return out


Traces = dict[int, list[str]]


def native_traces(base: Path) -> Traces:
    """What strace -ff left, by process."""
    found = {}
    for one in base.parent.glob(base.name + ".*"):
        found[int(one.suffix[1:])] = one.read_text(encoding="ascii", errors="replace").splitlines()
    return found


def kernel_traces(path: Path) -> Traces:
    """The kernel's --trace-file, by process."""
    found: Traces = {}
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        m = re.match(r"\[pid +(\d+)\] (.*)", line)
        if m:
            found.setdefault(int(m[1]), []).append(m[2])
    return found


def tree(traces: Traces) -> dict[str, list[str]]:
    """The calls of each process; processes by their place: "", "1" the first child of that, "1.2" the second of its."""
    begun: dict[int, str] = {}
    queue = [min(traces)]
    begun[queue[0]] = ""
    out = {}
    while queue:
        pid = queue.pop(0)
        children = 0
        for line in traces.get(pid, []):
            m = START.match(line)
            if m and int(m[2]) not in begun:
                children += 1
                begun[int(m[2])] = f"{begun[pid]}.{children}".lstrip(".")
                queue.append(int(m[2]))
        out[begun[pid]] = calls_of(traces.get(pid, []))
    return out


def traced(argv: Sequence[str], options: Sequence[str] = ()) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The calls natively and on the hosted kernel, each in an empty directory of the same name."""
    with tempfile.TemporaryDirectory(prefix="scarlet-trace-") as place:
        native, ours = Path(place, "native"), Path(place, "ours")
        env = {**os.environ, "LC_ALL": "C", "PYTHONHASHSEED": "0", "_": "/usr/bin/env"}
        work = Path(place, "work")
        work.mkdir()
        one = hosted.run(["strace", "-ff", "-o", str(native), "--", *argv], hosted=False, env=env, cwd=work)
        shutil.rmtree(work)
        work.mkdir()
        two = hosted.run(argv, options=["--trace", "--trace-file", str(ours), *options], env=env, cwd=work)
        if (one.stdout, one.returncode) != (two.stdout, two.returncode):
            raise hosted.HostedError(f"not the same natively: {one.stdout!r}, {two.stdout!r} {two.stderr!r}")
        left, right = tree(native_traces(native)), tree(kernel_traces(ours))
    left[""] = left[""][1:]  # strace's own execve
    return left, right


def differences(argv: Sequence[str], options: Sequence[str] = ()) -> list[str]:
    """Where the two disagree, as a diff with the process's place in front."""
    left, right = traced(argv, options)
    out = []
    for place in sorted(left.keys() | right.keys()):
        for line in difflib.unified_diff(left.get(place, []), right.get(place, []), "native", "hosted", lineterm="", n=1):
            out.append(f"{place or '-'}: {line}")
    return out


if __name__ == "__main__":
    words = sys.argv[2:] if sys.argv[1:2] == ["--"] else sys.argv[1:]
    try:
        lines = differences(words)
    except (hosted.HostedError, subprocess.TimeoutExpired) as error:
        sys.exit(str(error))
    print("\n".join(lines))
    sys.exit(bool(lines))
