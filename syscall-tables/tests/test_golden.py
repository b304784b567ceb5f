"""Every product of one small table, byte for byte. SCTC_UPDATE_GOLDEN=1 rewrites the golden files; read the difference then."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tabletests import PRODUCTS, SECTION6, TABLES, run_sctc

SMALL = TABLES / "tests/fixtures/small.sct"
GOLDEN = TABLES / "tests/golden"


@pytest.mark.parametrize("product", [p for p in PRODUCTS if p not in ("kerr", "errno")])
def test_golden(sct, product: str) -> None:
    for name, text in sct.products([SMALL, TABLES / "errors.sct"], "riscv64", only=[product]).items():
        path = GOLDEN / name
        if os.environ.get("SCTC_UPDATE_GOLDEN"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"{name} changed; SCTC_UPDATE_GOLDEN=1 accepts it"


def compile_to(out: Path, seed: str) -> dict[str, bytes]:
    env = {**os.environ, "PYTHONHASHSEED": seed}
    subprocess.run([sys.executable, TABLES / "gen", "compile", "--out", out, *SECTION6], env=env, check=True)
    return {p.name: p.read_bytes() for p in sorted(out.iterdir())}


def test_same_input_same_bytes(tmp_path: Path) -> None:
    first, second = compile_to(tmp_path / "a", "1"), compile_to(tmp_path / "b", "2")
    assert first == second and len(first) > 50


def test_unchanged_files_keep_their_time(tmp_path: Path) -> None:
    compile_to(tmp_path, "1")
    os.utime(tmp_path / "linux_dispatch.c", (1, 1))
    compile_to(tmp_path, "1")
    assert (tmp_path / "linux_dispatch.c").stat().st_mtime == 1


def test_names_of_the_machine_stay_out(sct) -> None:
    for name, text in sct.products(SECTION6).items():
        assert str(TABLES) not in text and "/tmp" not in text, name


@pytest.mark.parametrize("command", [["--help"], ["compile", "--help"], ["products"], ["list", *SECTION6], ["check", *SECTION6],
                                     ["explain", "openat", *SECTION6], ["list", "--support", "full", *SECTION6]])
def test_commands(command: list) -> None:
    done = run_sctc(*command)
    assert done.returncode == 0 and done.stdout, done.stderr


def test_directory_is_the_program() -> None:
    done = subprocess.run(["/usr/bin/python3", TABLES / "gen", "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "compile" in done.stdout


def test_list_by_level() -> None:
    lines = run_sctc("list", "--support", "full", "--abi", "linux", *SECTION6).stdout.splitlines()
    assert {line.split()[2] for line in lines} == {"read", "getdents64", "rt_sigaction", "ioctl$TCGETS"}


def test_mistakes_fail_the_command(tmp_path: Path) -> None:
    bad = tmp_path / "bad.sct"
    bad.write_text("abi linux\ncall f(a: i23) -> zero { number 1 }\n")
    done = run_sctc("check", bad, TABLES / "errors.sct")
    assert done.returncode == 1 and f"{bad}:2:11: error: unknown type 'i23'" in done.stderr
    missing = run_sctc("check", tmp_path / "none.sct")
    assert missing.returncode == 1 and "cannot read this file" in missing.stderr
    assert run_sctc("explain", "nothing", *SECTION6).returncode == 1
    assert run_sctc("list", "--abi", "plan9", *SECTION6).returncode == 1
