"""The tracer against the real thing: one program makes calls and prints them from the tables, under strace; the texts must agree."""
from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tabletests import ROOT, TABLES

SOURCE = TABLES / "tests/runtime/self_trace.c"
# strace's own peculiarities on this machine that the tables of another kernel need not follow: none so far.
IGNORED: set[str] = set()


def build(sct, where: Path) -> Path:
    for name, text in sct.products([TABLES / "linux.sct"], "x86_64", ["linux"], ["kerr", "consts", "trace"]).items():
        (where / name).write_text(text)
    names = sorted(set(re.findall(r"\bT\((\w+)", SOURCE.read_text())) - {"name"})
    (where / "weak_descs.h").write_text("".join(
        f"extern const struct syscall_desc linux_desc_{n} __attribute__((weak));\n" for n in names))
    program = where / "self_trace"
    built = subprocess.run(["clang-19", "-std=gnu2x", "-w", "-g", f"-I{where}", f"-I{TABLES / 'tests/runtime'}",
                            f"-I{ROOT / 'kernel/lib/include'}", f"-I{ROOT / 'kernel/syscall/include'}", "-o", program, SOURCE,
                            where / "linux_trace.c", *(p for p in sorted((ROOT / "kernel/syscall").glob("trace*.c")) if p.stem != "trace_json")],
                           capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[:4000]
    return program


def between_marks(log: str) -> list[str]:
    lines = [line for line in log.splitlines() if not line.startswith(("---", "+++"))]
    first = next(i for i, line in enumerate(lines) if line.startswith("close(-77)"))
    last = next(i for i, line in enumerate(lines) if line.startswith("close(-78)"))
    return lines[first + 1:last]


@pytest.mark.skipif(platform.machine() != "x86_64" or not shutil.which("strace") or not shutil.which("clang-19"),
                    reason="needs x86-64 with strace and clang-19")
@pytest.mark.skipif(not (TABLES / "linux.sct").exists(), reason="no linux.sct")
def test_text_is_that_of_strace(sct, tmp_path: Path) -> None:
    program = build(sct, tmp_path)
    log = tmp_path / "strace.log"
    ran = subprocess.run(["strace", "-o", log, program, tmp_path], capture_output=True, text=True, timeout=60)
    if ran.returncode != 0 and "ptrace" in ran.stderr.lower():
        pytest.skip("strace may not trace here")
    assert ran.returncode == 0, ran.stderr[:2000]
    ours = ran.stdout.splitlines()
    made = re.findall(r"^    (?:const i64 \w+ = )?T\((\w+)", SOURCE.read_text(), re.M)
    theirs = [line for line in between_marks(log.read_text()) if not re.match(r"(clone|waitid|vfork|fork)\(", line)]
    assert len(ours) == len(made)
    differ, at = [], 0
    for name, mine in zip(made, ours):
        while at < len(theirs) and not theirs[at].startswith(name + "("):
            at += 1
        if at == len(theirs):
            differ.append(f"strace shows no {name}")
            break
        if mine != "-" and mine != theirs[at] and name not in IGNORED:
            differ.append(f"expected {theirs[at]}\n     got {mine}")
        at += 1
    assert not differ, "\n" + "\n".join(differ)
    assert sum(line != "-" for line in ours) > 40
