"""Layouts, numbers and constants against the headers of a real Linux, for every architecture whose headers are installed."""
from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tabletests import SECTION6, TABLES

COMPILERS = {"x86_64": [["gcc"], ["clang-19"]],
             "riscv64": [["clang-19", "--target=riscv64-linux-gnu", "-isystem", "/usr/riscv64-linux-gnu/include"]]}
PRESENT = {"x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd.h"),
           "riscv64": Path("/usr/riscv64-linux-gnu/include/asm/unistd.h")}


def check(sct, tmp_path: Path, files: list[Path], arch: str) -> None:
    compiler = next((c for c in COMPILERS[arch] if shutil.which(c[0])), None)
    if compiler is None or not PRESENT[arch].exists():
        pytest.skip(f"no compiler or Linux headers for {arch}")
    groups = 0
    for name, text in sct.products(files, arch, ["linux"], ["checks"]).items():
        source = tmp_path / name
        source.write_text(text)
        for group in range(len(re.findall(r"^#if CHECK_GROUP ==", text, re.M))):
            groups += 1
            done = subprocess.run([*compiler, "-std=gnu2x", "-Wall", "-Werror", "-fsyntax-only", f"-DCHECK_GROUP={group}", source],
                                  capture_output=True, text=True)
            assert done.returncode == 0, f"{name} group {group} on {arch}:\n{done.stderr[:4000]}"
    assert groups >= 3


@pytest.mark.parametrize("arch", ["x86_64", "riscv64"])
def test_reference_examples(sct, tmp_path: Path, arch: str) -> None:
    check(sct, tmp_path, SECTION6, arch)


@pytest.mark.parametrize("arch", ["x86_64", "riscv64"])
def test_linux_table(sct, tmp_path: Path, arch: str) -> None:
    if not (TABLES / "linux.sct").exists():
        pytest.skip("no linux.sct")
    check(sct, tmp_path, [TABLES / "linux.sct"], arch)


def test_a_wrong_layout_is_caught(sct, tmp_path: Path) -> None:
    """The check is real: a struct with swapped fields does not compile against the header."""
    if not PRESENT["x86_64"].exists():
        pytest.skip("no Linux headers")
    table = sct.file('abi linux\nstruct timespec { tv_nsec i64; tv_sec i64 } size 16; ctype "struct timespec"; include <time.h>\n')
    text = sct.products([table, TABLES / "errors.sct"], "x86_64", ["linux"], ["checks"])["linux_layout_check.c"]
    source = tmp_path / "wrong.c"
    source.write_text(text)
    done = subprocess.run(["gcc", "-std=gnu2x", "-fsyntax-only", source], capture_output=True, text=True)
    assert done.returncode != 0 and "offset of timespec.tv_sec" in done.stderr
