"""abi-probe: formats, coverage on files made here, traces, hostile input, trees, cache. The program under sanitizers is what runs."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from samples import ECALL, EXIT, RET, SAMPLES, TRACE, elf, li, nasty, riscv  # noqa: E402

TREE = Path(__file__).resolve().parents[3]
ASAN = TREE / "build/host/asan/abi-probe"
FAST = TREE / "build/host/abi-probe"
ROOT = TREE / "build/probe/root"
ENV = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """Both builds are up to date."""
    subprocess.run(["make", "-s", ASAN.relative_to(TREE), FAST.relative_to(TREE)], cwd=TREE, check=True)


def run(*words: object, program: Path = ASAN, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The program's run; a sanitizer's report is a failure whatever the test looks at."""
    done = subprocess.run([program, *map(str, words)], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV, timeout=300, check=False)
    assert b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr, done.stderr.decode("utf-8", "replace")
    assert done.returncode >= 0, f"ended by signal {-done.returncode}"
    return done


def probe(path: Path, *words: object) -> dict:
    """JSON of one file."""
    return json.loads(run("--no-cache", "--json", *words, path).stdout)["files"][0]


def calls(entry: dict) -> set[str]:
    """Names of all calls that were found."""
    return {c["name"] for level in entry["calls"].values() for c in level}


def save(folder: Path, data: bytes, name: str = "program") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_format(tmp_path: Path, name: str) -> None:
    """Every format is told by its content, with machine and ABI."""
    data, form, machine, abi = SAMPLES[name]
    entry = probe(save(tmp_path, data, name))
    assert (entry["format"], entry["machine"], entry["abi"]) == (form, machine, abi)
    if abi:
        assert entry["score"] > 0 and entry["reasons"]


def test_every_elf_machine_has_verdicts(tmp_path: Path) -> None:
    """Any machine number is described, and every ABI of the kernel gives a score with a reason."""
    for machine in (0, 1, 40, 77, 243, 65535):
        entry = probe(save(tmp_path, elf(machine=machine)))
        assert entry["format"] == "ELF" and entry["scores"] and all(s["why"] for s in entry["scores"])


def test_numbers_in_a_static_program(tmp_path: Path) -> None:
    """Constants before ecall: found, and nothing else."""
    assert calls(probe(save(tmp_path, elf(code=EXIT)))) == {"write", "exit"}


def test_numbers_through_a_wrapper(tmp_path: Path) -> None:
    """A function that gets the number as its argument: numbers come from its callers, two deep."""
    code = riscv(li(10, 63), 0x018000EF,  # li a0, read; jal inner (at +28)
                 li(11, 64), 0x01C000EF,  # li a1, write; jal outer (at +40)
                 li(17, 93), ECALL, RET,
                 0x00050893, ECALL, RET,  # inner: mv a7, a0; ecall; ret
                 0x00058513, 0xFF1FF06F)  # outer: mv a0, a1; j inner
    assert calls(probe(save(tmp_path, elf(code=code)))) == {"read", "write", "exit"}


def test_unresolved_site_is_reported(tmp_path: Path) -> None:
    """A number from memory is not guessed."""
    code = riscv(0x00013883, ECALL, li(17, 93), ECALL)  # ld a7, 0(sp)
    entry = probe(save(tmp_path, elf(code=code)))
    assert calls(entry) == {"exit"} and len(entry["unresolved"]) == 1 and entry["unresolved"][0]["address"] == 0x10000 + 120


def test_either_of_two_numbers(tmp_path: Path) -> None:
    """Two ways to one ecall: both numbers."""
    code = riscv(li(17, 63), 0x00050463, li(17, 64), ECALL, li(17, 93), ECALL)  # beqz a0, +8
    assert calls(probe(save(tmp_path, elf(code=code)))) == {"read", "write", "exit"}


def test_x86_and_arm(tmp_path: Path) -> None:
    """The other machines: mov eax and movz x8."""
    x86 = b"\xb8\x01\0\0\0\x0f\x05\x6a\x3c\x58\x0f\x05"  # write; push 60, pop rax, syscall
    assert calls(probe(save(tmp_path, elf(machine=62, code=x86)))) == {"write", "exit"}
    arm = struct.pack("<IIII", 0xD2800808, 0xD4000001, 0xD2800BA8, 0xD4000001)
    assert calls(probe(save(tmp_path, elf(machine=183, code=arm)))) == {"write", "exit"}


def test_missing_interpreter(tmp_path: Path) -> None:
    """What cannot be loaded will not run, and says what is missing."""
    path = save(tmp_path, elf(kind=3, code=EXIT, interp=b"/lib/nothing.so\0", base=0))
    entry = probe(path, "--root", tmp_path)
    assert entry["verdict"] == "will not run" and entry["missing"][0]["what"] == "/lib/nothing.so"


def test_check_is_a_gate(tmp_path: Path) -> None:
    """--check: 0 with what is there, 1 with what is not, --allow makes an exception."""
    good = save(tmp_path, elf(code=EXIT), "good")
    bad = save(tmp_path, elf(code=riscv(li(17, 0), ECALL) + EXIT), "bad")  # io_setup
    assert run("--no-cache", "--check", good).returncode == 0
    assert run("--no-cache", "--check", bad).returncode == 1
    assert run("--no-cache", "--check", "--allow", "io_setup", bad).returncode == 0
    assert b"io_setup" in run("--no-cache", "--explain", bad).stdout


def test_exit_statuses(tmp_path: Path) -> None:
    """2 usage, 3 damaged with the offset, 4 not there."""
    assert run().returncode == 2 and run("--nonsense").returncode == 2
    damaged = run("--no-cache", save(tmp_path, SAMPLES["riscv64"][0][:40]))
    assert damaged.returncode == 3 and b"offset 40" in damaged.stdout
    gone = run(tmp_path / "gone")
    assert gone.returncode == 4 and b"gone" in gone.stderr
    assert run("--help").returncode == 0 and b"abi-probe" in run("--version").stdout


def test_hostile_files(tmp_path: Path) -> None:
    """Cut, overlapping, endless: described in bounded time and memory, and nothing is read out of bounds."""
    for name, data in nasty().items():
        save(tmp_path, data, name)
    begin = time.monotonic()
    done = run("--no-cache", "--json", "-r", tmp_path)
    assert done.returncode == 0 and len(json.loads(done.stdout)["files"]) == len(nasty())
    assert time.monotonic() - begin < 60


def test_cache_is_not_trusted(tmp_path: Path) -> None:
    """The same answer with a cold, a warm and a damaged cache."""
    path = save(tmp_path, elf(code=EXIT))
    words = ("--json", "--cache", tmp_path / "cache", path)
    cold = run(*words).stdout
    files = [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert len(files) == 1 and run(*words).stdout == cold
    whole = files[0].read_bytes()
    for at in range(0, len(whole), 7):
        files[0].write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        assert run(*words).stdout == cold
    files[0].write_bytes(whole[: len(whole) // 2])
    assert run(*words).stdout == cold


def test_trace_findings(tmp_path: Path) -> None:
    """A log with processes, times, unfinished lines and odd strings: exactly what differs is found."""
    done = run("--json", "--trace", save(tmp_path, TRACE, "log"))
    out = json.loads(done.stdout)
    found = {f["what"]: f for f in out["findings"]}
    assert done.returncode == 1 and out["lines_not_understood"] == 0 and out["made"]["read"] == 1
    assert found["openat flags O_DIRECT"]["line"] == 2 and found["openat flags O_DIRECT"]["error"] == "EINVAL"
    assert "clone3 args.flags CLONE_NEWUTS" in found
    assert "futex FUTEX_LOCK_PI_PRIVATE" in found and "futex FUTEX_WAIT_PRIVATE" not in found
    assert found["io_setup"]["level"] == "none" and found["nosuchcall"]["level"] == "unknown"
    assert any(what.startswith("mmap when") for what in found)
    assert not any(what.startswith(("ioctl", "write", "execve")) for what in found)


def test_trace_of_something_else(tmp_path: Path) -> None:
    """Not a log: status 3. Standard input: "-"."""
    assert run("--trace", save(tmp_path, b"hello\nworld\n")).returncode == 3
    assert run("--trace", "-", stdin=b"1 getpid() = 1\n").returncode == 0


def test_tables_from_a_folder(tmp_path: Path) -> None:
    """--tables: another support level counts; a mistake names file and offset."""
    built_in = TREE / "build/host/gen/tables/riscv64"
    for name in ("linux_support.json", "linux_decode.json"):
        save(tmp_path, (built_in / name).read_bytes(), name)
    support = json.loads((tmp_path / "linux_support.json").read_text())
    for call in support["calls"]:
        if call["name"] == "write":
            call["support"] = "none"
    (tmp_path / "linux_support.json").write_text(json.dumps(support))
    program = save(tmp_path, elf(code=EXIT))
    assert run("--no-cache", "--check", "--tables", tmp_path, program).returncode == 1
    (tmp_path / "linux_support.json").write_text("{]")
    wrong = run("--tables", tmp_path, program)
    assert wrong.returncode == 3 and b"linux_support.json: offset 1" in wrong.stderr


def test_links_stay_in_the_root(tmp_path: Path) -> None:
    """Absolute links and ".." are followed inside the root."""
    (tmp_path / "root/usr/bin").mkdir(parents=True)
    save(tmp_path / "root/usr/bin", elf(code=EXIT), "real")
    (tmp_path / "root/bin").symlink_to("/usr/bin")
    (tmp_path / "root/usr/bin/name").symlink_to("../../../../../../bin/real")
    (tmp_path / "root/usr/bin/loop").symlink_to("loop")
    assert probe(Path("/bin/name"), "--root", tmp_path / "root")["verdict"] == "runs"
    assert run("--root", tmp_path / "root", "/bin/loop").returncode == 4


def test_small_numbers_are_no_addresses(tmp_path: Path) -> None:
    """A program at address zero is full of constants that could be addresses of its code: it is not cut up by them."""
    code = riscv(li(5, 121), li(6, 122), li(17, 2), ECALL, RET, li(17, 5), ECALL, RET)  # the second function: nobody refers to it
    entry = probe(save(tmp_path, elf(base=0, code=code)))
    assert entry["abi"] == "xv6" and calls(entry) == {"exit"} and entry["verdict"] == "runs"


def test_script_of_an_interpreter(tmp_path: Path) -> None:
    """A script has the ABI of its interpreter in the root."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").write_bytes(elf(code=EXIT, osabi=83))
    entry = probe(save(tmp_path, b"#!/bin/sh\n", "script"), "--root", tmp_path)
    assert (entry["abi"], entry["verdict"], entry["interpreter_found"]) == ("scarlet", "likely runs", True)


def test_runtimes(tmp_path: Path) -> None:
    """What no ABI takes is looked up in the root's registry, as the kernel does it; damaged files are not."""
    root = tmp_path / "root"
    (root / "system/etc").mkdir(parents=True)
    (root / "bin").mkdir()
    (root / "bin/run").write_bytes(elf(code=EXIT))
    (root / "system/etc/runtimes").write_text("# who runs what\nwasm magic@0=0061736d auto /bin/run --\nx86 machine=62 linux /bin/gone\nwrong\n")
    for name, verdict, found in (("wasm", "likely runs", True), ("x86-64", "will not run", False), ("aarch64", "not for this kernel", None),
                                 ("riscv64", "runs", None)):
        path = save(root, SAMPLES[name][0], name)
        done = run("--no-cache", "--json", "--root", root, path)
        entry = json.loads(done.stdout)["files"][0]
        assert entry["verdict"] == verdict and (entry.get("runtime") or {}).get("found") == found, name
        assert b"/system/etc/runtimes:4: " in done.stderr


def test_dead_code_does_not_count(tmp_path: Path) -> None:
    """A function behind the end of what is reached: dead, unless its address is taken."""
    code = riscv(li(17, 93), ECALL, RET, li(17, 64), ECALL, RET)
    assert calls(probe(save(tmp_path, elf(code=code)))) == {"exit"}
    taken = riscv(0x00000517, 0x01450513, li(17, 93), ECALL, RET, li(17, 64), ECALL, RET)  # auipc a0, 0; addi a0, a0, 20
    assert calls(probe(save(tmp_path, elf(code=taken)))) == {"exit", "write"}


@pytest.mark.parametrize("strip", [False, True], ids=["symbols", "stripped"])
def test_xv6_program(tmp_path: Path, strip: bool) -> None:
    """Held against xv6's own table, with exactly the calls that its source makes."""
    path = TREE / "build/userland/xv6/wc"
    subprocess.run(["make", "-s", path.relative_to(TREE)], cwd=TREE, check=True)
    if strip:
        subprocess.run(["llvm-strip-19", "-o", tmp_path / "wc", path], check=True)
        path = tmp_path / "wc"
    entry = probe(path)
    assert (entry["abi"], entry["verdict"], calls(entry)) == ("xv6", "runs", {"exit", "open", "read", "write", "close"})


def x86_stub(number: int, wide: bool = False) -> bytes:
    """mov $number, %eax or %rax; syscall"""
    return (b"\x48\xc7\xc0" if wide else b"\xb8") + struct.pack("<i", number) + b"\x0f\x05"


STUBS = {"riscv64": (243, 0, 2, lambda n: riscv(li(17, n), ECALL)),
         "riscv64-short": (243, 0, 2, lambda n: struct.pack("<HI", 0x4881 | (n & 31) << 2 | (n >> 5 & 1) << 12, ECALL)),
         "x86-64": (62, 0x10000, 1, x86_stub), "x86-64-wide": (62, 0x10000, 1, lambda n: x86_stub(n, True))}


@pytest.mark.parametrize("kind", STUBS)
def test_xv6_by_its_calls(tmp_path: Path, kind: str) -> None:
    """One call that xv6 does not have decides, wherever in the code it lies; so does another address."""
    machine, base, step, stub = STUBS[kind]
    here = ["--no-cache", "--json", "--machine", "riscv64" if machine == 243 else "x86-64"]
    files, expected = [], []
    for pad in [0, *range(108, 144, step), 400]:  # the kernel reads 256 bytes at a time, of which 120 are the headers
        for number, at, verdict in ((21, base, True), (-1, base, False), (0, base, False), (21, base + 0x1000, False)):
            code = stub(2) + bytes(pad) + stub(number)
            files.append(save(tmp_path, elf(machine=machine, base=at, code=code), f"{len(files)}"))
            expected.append(verdict)
    entries = json.loads(run(*here, *files).stdout)["files"]
    assert [next(s["score"] for s in e["scores"] if s["abi"] == "xv6") == 90 for e in entries] == expected


@pytest.mark.parametrize("machine, words, place", [("riscv64", [], "build/userland"),
                                                   ("x86-64", ["ARCH=hosted", "MACHINE=x86_64", "OUT=build/hosted"], "build/hosted/userland")])
def test_own_programs(machine: str, words: list[str], place: str) -> None:
    """All native and xv6 programs of the tree: recognised, every call in the table of their ABI, hardly a number that cannot be found out."""
    subprocess.run(["make", "-s", *words, "userland", "xv6-programs"], cwd=TREE, check=True)
    native = sorted((TREE / place / "overlay/system/scarlet/bin").iterdir())
    xv6 = [p for p in sorted((TREE / place / "xv6").iterdir()) if p.is_file() and not p.suffix]
    for abi, paths in (("scarlet", native), ("xv6", xv6)):
        entries = json.loads(run("--no-cache", "--machine", machine, "--json", *paths, program=FAST).stdout)["files"]
        assert len(entries) == len(paths) > 10
        for entry in entries:
            assert entry["abi"] == abi and calls(entry), entry["file"]
            lacking = entry["calls"]["none"] + entry["calls"]["unknown"] + entry["unresolved"]
            # tests make calls that do not exist, and zone the one that it is asked for
            assert not lacking or "test" in entry["file"] or entry["file"].endswith("/zone"), (entry["file"], lacking)
            assert entry["verdict"] in ("runs", "likely runs")
    cat = next(e for e in json.loads(run("--no-cache", "--machine", machine, "--json", *native, program=FAST).stdout)["files"] if e["file"].endswith("/cat"))
    assert {"open", "read", "write", "exit"} <= calls(cat) and not calls(cat) & {"mount", "spawn", "clone", "execve", "shutdown"}


SOURCE = r"""
#if defined(__riscv)
enum { READ = 63, WRITE = 64, EXIT = 93, GETPID = 172, UNAME = 160 };
static long call(long n, long a, long b, long c) {
    register long a7 __asm__("a7") = n, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return a0;
}
#elif defined(__aarch64__)
enum { READ = 63, WRITE = 64, EXIT = 93, GETPID = 172, UNAME = 160 };
static long call(long n, long a, long b, long c) {
    register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x8) : "memory");
    return x0;
}
#else
enum { READ = 0, WRITE = 1, EXIT = 60, GETPID = 39, UNAME = 63 };
static long call(long n, long a, long b, long c) {
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "0"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
}
#endif
static char buf[512];
__attribute__((noinline)) static long outer(int n, long a) { return call(n, a, (long)buf, sizeof(buf)); }
__attribute__((noinline)) static long by_pointer(long a) { return outer(GETPID, a); }
__attribute__((noinline, used)) static long dead(long a) { return outer(UNAME, a); }
static long (*volatile pointer)(long) = by_pointer;
void _start(void) {
    long n = outer(READ, 0);
    outer(n > 3 ? WRITE : EXIT, 1);
    pointer(n);
    for (;;)
        call(EXIT, 0, 0, 0);
}
"""


@pytest.mark.parametrize("how", ["-O0", "-O2", "-O2 -fpie -static-pie"])
@pytest.mark.parametrize("machine", ["riscv64", "x86_64", "aarch64"])
def test_compiled_programs(tmp_path: Path, machine: str, how: str) -> None:
    """One source for each machine: numbers through wrappers, a choice of two, a pointer, code that nobody uses; nothing is left open."""
    (tmp_path / "p.c").write_text(SOURCE)
    subprocess.run(["clang-19", f"--target={machine}-linux-gnu", *how.split(), "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector",
                    "-fuse-ld=lld-19", "-Wno-unused-command-line-argument", "-o", tmp_path / "p", tmp_path / "p.c"], check=True)
    entry = probe(tmp_path / "p", "--machine", machine.replace("x86_64", "x86-64"))
    assert calls(entry) == {"read", "write", "exit", "getpid"} and not entry["unresolved"], entry["calls"]


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace on this machine")
def test_accuracy_here(tmp_path: Path) -> None:
    """This machine's own programs: what they do under strace was predicted."""
    traces = tmp_path / "traces"
    traces.mkdir()
    for name, command in {"ls": "ls -la /usr/bin", "sort": "sort -u /etc/passwd", "grep": "grep -rn root /etc/apt", "date": "date -u",
                          "bash": "bash -c 'x=$(echo a | tr a b); cat </etc/passwd | wc -l; read -t 0.1 x </dev/null; echo *'"}.items():
        done = subprocess.run(f"strace -f -s 8 -o {traces / name}.strace {command}", shell=True, cwd=tmp_path, capture_output=True, check=False)
        if b"ptrace" in done.stderr:
            pytest.skip("strace is not allowed here")
    accuracy = subprocess.run([sys.executable, Path(__file__).with_name("accuracy.py"), "--probe", FAST, "--root", "/", "--traces", traces, "--min", "5"],
                              stdout=subprocess.PIPE, text=True, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)}, check=False)
    assert accuracy.returncode == 0, accuracy.stdout


needs_root = pytest.mark.skipif(not (ROOT / "usr/bin/bash").exists(), reason=f"no Debian root in {ROOT} (tests/debian_root.py makes one)")


@needs_root
def test_debian_root() -> None:
    """A whole Debian root: no crash, no unknown ELF, everything that is dynamic finds its libraries."""
    done = run("--cache", TREE / "build/probe/cache", "--root", ROOT, "-r", "--json", program=FAST)
    files = json.loads(done.stdout)["files"]
    elfs = [f for f in files if f["format"] == "ELF"]
    assert done.returncode == 0 and len(elfs) > 300
    assert not [f["file"] for f in elfs if f["machine"].startswith("machine") or f["verdict"] in ("damaged", "not for this kernel")]


@needs_root
@pytest.mark.skipif(not list((TREE / "build/probe/traces").glob("*.strace")), reason="no recordings (tests/record.py makes them)")
def test_accuracy(tmp_path: Path) -> None:
    """Every call that real programs made was predicted."""
    done = subprocess.run([sys.executable, Path(__file__).with_name("accuracy.py"), "--probe", FAST], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stdout
