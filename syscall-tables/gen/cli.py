"""The command line: compile, check, list, explain."""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .diag import Diagnostics
from .emit import PRODUCTS, emit
from .emit.unit import Unit
from .load import load, specialise
from .model import ARCHES, SUPPORT, Abi, Program


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="sctc", description="Compiler for system call tables (.sct). See syscall-tables/README.md.")
    sub = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    files = argparse.ArgumentParser(add_help=False)
    files.add_argument("files", nargs="+", type=Path, metavar="FILES", help=".sct tables and .numbers files")
    files.add_argument("--abi", help="one ABI (default: every ABI in the tables)")
    files.add_argument("--arch", choices=ARCHES, default="riscv64")
    c = sub.add_parser("compile", parents=[files], help="write products into a directory")
    c.add_argument("--out", type=Path, required=True, metavar="DIR")
    c.add_argument("--product", action="append", choices=list(PRODUCTS), metavar="NAME", help="repeatable; default: all")
    sub.add_parser("check", parents=[files], help="check tables on every architecture they name")
    ls = sub.add_parser("list", parents=[files], help="calls with number and support level")
    ls.add_argument("--support", choices=SUPPORT, metavar="LEVEL", help=", ".join(SUPPORT))
    ex = sub.add_parser("explain", help="everything the tables say about one call")
    ex.add_argument("call")
    ex.add_argument("files", nargs="+", type=Path, metavar="FILES")
    ex.add_argument("--abi")
    ex.add_argument("--arch", choices=ARCHES, default="riscv64")
    sub.add_parser("products", help="what compile can write")
    return top


def die(diag: Diagnostics) -> int:
    for line in diag.lines():
        print(line, file=sys.stderr)
    print(f"{len(diag.found)} error{'s' if len(diag.found) != 1 else ''}", file=sys.stderr)
    return 1


def chosen(program: Program, name: str | None) -> list[Abi]:
    if name is None:
        return list(program.abis.values())
    if name not in program.abis:
        print(f"sctc: no ABI '{name}' in these tables (there are: {', '.join(program.abis) or 'none'})", file=sys.stderr)
        raise SystemExit(1)
    return [program.abis[name]]


def write(out: Path, name: str, text: str) -> None:
    """Leaves a file alone that already has these bytes, so that make sees no change."""
    path = out / name
    data = text.encode("utf-8")
    if not path.is_file() or path.read_bytes() != data:
        path.write_bytes(data)


def compile_tables(args: argparse.Namespace, program: Program, diag: Diagnostics) -> int:
    units = []
    if args.product == ["kerr"]:
        units = [Unit(program, program.shared, args.arch)]
    for abi in chosen(program, args.abi) if not units else []:
        specialise(program, abi, args.arch, diag)
        units.append(Unit(program, abi, args.arch))
    if diag:
        return die(diag)
    args.out.mkdir(parents=True, exist_ok=True)
    for unit in units:
        for product in args.product or PRODUCTS:
            for name, text in emit(product, unit).items():
                write(args.out, name, text)
    return 0


def check_tables(args: argparse.Namespace, program: Program, diag: Diagnostics) -> int:
    for abi in chosen(program, args.abi):
        for arch in abi.arches or [args.arch]:
            specialise(program, abi, arch, diag)
            if diag:
                return die(diag)
    calls = sum(len(a.calls) for a in program.abis.values())
    print(f"{len(program.files)} files, {calls} calls: no errors")
    return 0


def listing(args: argparse.Namespace, program: Program, diag: Diagnostics) -> int:
    from .emit.support import list_lines
    for abi in chosen(program, args.abi):
        specialise(program, abi, args.arch, diag)
        if diag:
            return die(diag)
        print("\n".join(list_lines(Unit(program, abi, args.arch), args.support)))
    return 0


def explain(args: argparse.Namespace, program: Program, diag: Diagnostics) -> int:
    from .emit.reference import call_page
    found = False
    for abi in chosen(program, args.abi):
        specialise(program, abi, args.arch, diag)
        if diag:
            return die(diag)
        unit = Unit(program, abi, args.arch)
        for call in abi.every_call():
            if call.name == args.call or call.cname == args.call:
                found = True
                print(call_page(unit, call))
    if not found:
        print(f"sctc: no call '{args.call}' in these tables", file=sys.stderr)
    return 0 if found else 1


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    if args.command == "products":
        for name, what in PRODUCTS.items():
            print(f"{name:<10} {what}")
        return 0
    diag = Diagnostics()
    program = load(args.files, diag)
    if diag:
        return die(diag)
    run = {"compile": compile_tables, "check": check_tables, "list": listing, "explain": explain}[args.command]
    try:
        return run(args, program, diag)
    except OSError as err:
        print(f"sctc: {err.filename}: {err.strerror}", file=sys.stderr)
        return 1
