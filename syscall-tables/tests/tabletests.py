"""Shared pieces of the table compiler's tests: running it in this process and finding its parts."""
from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TABLES = Path(__file__).resolve().parent.parent
ROOT = TABLES.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(TABLES))

from gen.diag import Diagnostics  # noqa: E402
from gen.emit import PRODUCTS, emit  # noqa: E402
from gen.emit.unit import Unit  # noqa: E402
from gen.load import load, specialise  # noqa: E402


@dataclass
class Compiler:
    """Compiles table text or files without a subprocess."""

    tmp: Path

    def file(self, text: str, name: str = "t.sct") -> Path:
        path = self.tmp / name
        path.write_text(text, encoding="utf-8")
        return path

    def errors(self, text: str, numbers: str = "", arch: str = "riscv64") -> list[str]:
        """Diagnostics as `line:col: message`."""
        files = [self.file(text), TABLES / "errors.sct"]
        if numbers:
            files.append(self.file(numbers, "linux.numbers"))
        diag = Diagnostics()
        program = load(files, diag)
        for abi in program.abis.values():
            specialise(program, abi, arch, diag)
        return [f"{Path(e.pos.file).name}:{e.pos.line}:{e.pos.col}: {e.message}" for e in sorted(diag.found, key=lambda e: e.pos)]

    def products(self, files: list[Path], arch: str = "riscv64", abis: list[str] | None = None,
                 only: list[str] | None = None) -> dict[str, str]:
        diag = Diagnostics()
        program = load(files, diag)
        for abi in program.abis.values():
            specialise(program, abi, arch, diag)
        assert not diag, "\n".join(diag.lines())
        out: dict[str, str] = {}
        for name, abi in program.abis.items():
            if abis is None or name in abis:
                for product in only or PRODUCTS:
                    out.update(emit(product, Unit(program, abi, arch)))
        return out

    def text(self, body: str, product: str = "dispatch", arch: str = "riscv64") -> dict[str, str]:
        """Products of a small Linux table whose calls carry their own numbers."""
        return self.products([self.file("abi linux result errno\n" + body), TABLES / "errors.sct"], arch, only=[product])


@pytest.fixture
def sct(tmp_path: Path) -> Compiler:
    return Compiler(tmp_path)


def run_sctc(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TABLES / "sctc", *map(str, args)], capture_output=True, text=True, timeout=60)


SECTION6 = [TABLES / "tests/fixtures/section6/prelude.sct", TABLES / "errors.sct"]
