"""What the compiler writes is compiled as the kernel compiles it, and run on the host against a runtime that counts everything."""
from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tabletests import ROOT, SECTION6, TABLES

WARNINGS = ("-std=c23 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wimplicit-fallthrough").split()
INCLUDES = [f"-I{TABLES / 'tests/runtime'}", f"-I{ROOT / 'kernel/lib/include'}", f"-I{ROOT / 'kernel/syscall/include'}"]
KERNEL = "--target=riscv64-unknown-elf -march=rv64imac_zicsr_zifencei -mabi=lp64 -ffreestanding -fsyntax-only".split()

needs_clang = pytest.mark.skipif(shutil.which("clang-19") is None, reason="clang-19 is not installed")


def write(where: Path, files: dict[str, str]) -> list[Path]:
    for name, text in files.items():
        (where / name).write_text(text, encoding="utf-8")
    return [where / n for n in files if n.endswith(".c") and not n.endswith("_check.c")]


def compiles(where: Path, files: dict[str, str]) -> None:
    for source in write(where, files):
        done = subprocess.run(["clang-19", *KERNEL, *WARNINGS, f"-I{where}", *INCLUDES, source], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[:4000]


@needs_clang
def test_reference_examples_compile(sct, tmp_path: Path) -> None:
    compiles(tmp_path, sct.products(SECTION6, abis=["linux", "scarlet", "xv6"]))


@needs_clang
def test_linux_table_compiles(sct, tmp_path: Path) -> None:
    if not (TABLES / "linux.sct").exists():
        pytest.skip("no linux.sct")
    compiles(tmp_path, sct.products([TABLES / "linux.sct"]))


@needs_clang
def test_generated_code_behaves(sct, tmp_path: Path) -> None:
    sources = write(tmp_path, sct.products([TABLES / "tests/fixtures/small.sct", TABLES / "errors.sct"]))
    tracer = [ROOT / "kernel/syscall" / n for n in ("trace.c", "trace_custom.c", "trace_text.c", "trace_value.c")]
    program = tmp_path / "mock"
    built = subprocess.run(["clang-19", "-g", "-O1", *WARNINGS, "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
                            f"-I{tmp_path}", *INCLUDES, "-o", program, *sources, *tracer, TABLES / "tests/runtime/mock.c"],
                           capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[:6000]
    ran = subprocess.run([program], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0 and ran.stdout == "ok\n", ran.stdout + ran.stderr[:4000]


def test_a_sparse_enum_costs_nothing(sct) -> None:
    """A value of 32 bits is compared by itself; the compiler must not count up to it."""
    import resource
    limit = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, limit[1]))
    try:
        text = sct.text('enum magic : u32 { MAGIC 0xfee1dead }\nenum dense : i32 { A 0; B 1; C 2 }\n'
                        'call f(m: enum magic, d: enum dense) -> zero { support stub "x"; number 1 }\n')["linux_dispatch.c"]
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
    assert "if (m != (u32)LINUX_MAGIC)" in text
    assert "if ((u32)d > 2)" in text
