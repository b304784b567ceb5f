"""One machine, in QEMU or hosted: how it is started, what its boot image holds, how it is looked at when it hangs.

Everything that boots goes through Machine.argv(), so that Scarlet and the reference Linux differ in
the kernel file alone, and the hosted kernel runs the same image with the same tests.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.image import cpio, tree

ROOT = Path(__file__).resolve().parents[1]
QEMU = os.environ.get("SCARLET_QEMU", "qemu-system-riscv64")
LINUX_KERNEL = ROOT / "build/linux/Image"
LOGS = ROOT / "build/log"
KEEP_LOGS = 100
# The ABIs that have a shell in the boot image.
SHELLS = ("linux", "scarlet", "xv6")
# What `docs/run.md` promises: quiet console, reset at once after a panic.
WORDS = ("console=ttyS0", "quiet", "loglevel=1", "panic=-1")


class MachineError(Exception):
    """Something is missing or wrong on the host's side."""


@dataclasses.dataclass(frozen=True)
class Platform:
    """What a machine is made of, and what its programs are for."""

    name: str
    isa: str  # as in the names of tables and views
    image: Path  # the boot image
    userland: Path  # the native and xv6 programs in it
    kernel: Path | None = None  # None: the Scarlet kernel of the current variant
    hint: str = "make kernel"  # what builds the kernel
    sanitizers: str = ""  # of a hosted kernel

    @property
    def hosted(self) -> bool:
        """Whether the kernel is a process of this machine."""
        return self.isa != "riscv64"

def _in_qemu(name: str, kernel: Path | None, hint: str) -> Platform:
    return Platform(name, "riscv64", ROOT / "build/image/root.cpio", ROOT / "build/userland", kernel, hint)


def _hosted(name: str, sanitizers: str) -> Platform:
    return Platform(name, "x86_64", ROOT / "build/hosted/root.cpio", ROOT / "build/hosted/userland", ROOT / f"build/{name}/scarlet-host",
                    f"make hosted SAN={sanitizers}", sanitizers)


PLATFORMS = {platform.name: platform for platform in (
    _in_qemu("scarlet", None, "make kernel"), _in_qemu("linux", LINUX_KERNEL, "make linux-kernel"), _hosted("hosted", ""),
    _hosted("hosted-san", "address,undefined"), _hosted("hosted-tsan", "thread"))}
_chosen = "scarlet"


def use(name: str) -> None:
    """The platform of every machine that does not say otherwise (pytest's --on)."""
    global _chosen  # noqa: PLW0603
    _chosen = name


def chosen() -> Platform:
    """The platform that use() named."""
    return PLATFORMS[_chosen]


def root_image() -> Path:
    """The boot image of the chosen platform."""
    return chosen().image


def scarlet_kernel(variant: str | None = None) -> Path:
    """The kernel image of a variant, by default of SCARLET_VARIANT or release."""
    return ROOT / "build" / (variant or os.environ.get("SCARLET_VARIANT", "release")) / "scarlet"


def shell_of(abi: str, platform: Platform) -> str:
    """The program that is an ABI's shell, as Job wants it."""
    if abi not in SHELLS:
        raise MachineError(f"--shell {abi}: no such shell; there are {', '.join(SHELLS)}")
    if platform.name == "linux" and abi != "linux":
        raise MachineError(f"--shell {abi}: the reference machine runs Linux programs only")
    return "" if abi == "linux" else f"/names/{abi}_sh"


@dataclasses.dataclass(frozen=True)
class Job:
    """One command line for the guest: bytes without NUL, optional standard input, pipe or terminal."""

    command: bytes
    stdin: bytes | None = None
    tty: bool = False
    shell: str = ""  # program that runs the command line with -c; empty: busybox's sh


class Console(enum.Enum):
    """What the console is connected to, in QEMU's words."""

    NONE = ("-display", "none")  # the rest is told by further arguments
    PIPE = ("-display", "none", "-serial", "stdio", "-no-reboot")
    TYPED = ("-display", "none", "-monitor", "none", "-no-reboot", "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console")
    PERSON = ("-nographic",)


@dataclasses.dataclass(frozen=True)
class Machine:
    """A machine to boot. `kernel` and `image` None are the platform's."""

    smp: int = 1
    memory: str = "512M"
    append: str = ""
    kernel: Path | None = None
    overlay: Path | None = None
    image: Path | None = None
    on: str = dataclasses.field(default_factory=lambda: _chosen)

    @property
    def platform(self) -> Platform:
        """What it is made of."""
        return PLATFORMS[self.on]

    @property
    def linux(self) -> bool:
        """Whether it is the reference machine."""
        return self.on == "linux"

    @property
    def hosted(self) -> bool:
        """Whether its kernel is a process of this machine."""
        return self.platform.hosted

    @property
    def kernel_file(self) -> Path:
        """The kernel that will boot."""
        return self.kernel or self.platform.kernel or scarlet_kernel()

    @property
    def image_file(self) -> Path:
        """The boot image."""
        return self.image or self.platform.image

    def check(self) -> None:
        """Refuse early, in words, what cannot boot."""
        if not self.kernel_file.is_file():
            raise MachineError(f"no kernel {self.kernel_file} (build it with: {self.platform.hint})")
        if not self.image_file.is_file():
            raise MachineError(f"no boot image {self.image_file} (build it with: {'make hosted' if self.hosted else 'make image'})")
        if self.overlay and not self.overlay.is_dir():
            raise MachineError(f"--overlay {self.overlay}: not a folder")

    def argv(self, initrd: Path, words: Sequence[str], console: Console, extra: Sequence[str] = ()) -> list[str]:
        """The command line: QEMU's, or the hosted kernel's, which has its console on standard input and output whatever that is."""
        append = " ".join([*words, self.append]).strip()
        if self.hosted:
            escape = ["--escape", "none"] if console is Console.TYPED else []
            return [str(self.kernel_file), "--root", str(initrd), "--cpus", str(self.smp), "--mem", str(self._mebibytes()), "--append", append,
                    *escape]
        return [QEMU, *console.value, "-machine", "virt", "-smp", str(self.smp), "-m", self.memory,
                "-kernel", str(self.kernel_file), "-initrd", str(initrd), "-append", append, *extra]

    def _mebibytes(self) -> int:
        unit = {"M": 1, "G": 1024}.get(self.memory[-1:].upper())
        if unit is None or not self.memory[:-1].isdecimal():
            raise MachineError(f"memory {self.memory}: a number and M or G is wanted")
        return int(self.memory[:-1]) * unit

    def initrd_bytes(self, control: list[cpio.Entry]) -> bytes:
        """The boot image: the root, the overlay, and the harness's own small archive behind it."""
        data = self.image_file.read_bytes()
        if self.overlay:
            data += cpio.archive(tree.from_folder(self.overlay))
        if control:
            data += cpio.archive(control)
        return data


def control_entries(jobs: Sequence[Job], token: str, scratch: bool) -> list[cpio.Entry]:
    """The /.scarlet folder that tells /init what to run."""
    entries = [cpio.Entry("/.scarlet", 0o040755)]
    for folder in ("cases", "stdin", "tty", "shell"):
        entries.append(cpio.Entry(f"/.scarlet/{folder}", 0o040755))
    entries.append(cpio.Entry("/.scarlet/token", 0o100644, token.encode() + b"\n"))
    if scratch:
        entries.append(cpio.Entry("/.scarlet/scratch", 0o100644))
    for number, job in enumerate(jobs):
        name = job_name(number)
        if b"\0" in job.command:
            raise MachineError("a command line cannot hold a NUL byte")
        if len(job.command) > 120_000:
            raise MachineError("the command line is longer than 120000 bytes; put it into a file and use --overlay")
        entries.append(cpio.Entry(f"/.scarlet/cases/{name}", 0o100644, job.command))
        if job.stdin is not None:
            entries.append(cpio.Entry(f"/.scarlet/stdin/{name}", 0o100644, job.stdin))
        if job.tty:
            entries.append(cpio.Entry(f"/.scarlet/tty/{name}", 0o100644))
        if job.shell:
            entries.append(cpio.Entry(f"/.scarlet/shell/{name}", 0o100644, os.fsencode(job.shell) + b"\n"))
    return entries


def job_name(number: int) -> str:
    """The file name of a job: sorted as the guest's shell sorts."""
    return f"{number:05d}"


def new_token() -> str:
    """A word that no output holds by accident."""
    return secrets.token_hex(8)


@contextlib.contextmanager
def initrd_file(data: bytes) -> Iterator[Path]:
    """The boot image as a file for as long as the machine runs."""
    folder = ROOT / "build/run"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="initrd-", suffix=".cpio") as file:
        file.write(data)
        file.flush()
        yield Path(file.name)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # others remove old ones as well
        return 0


def new_log(name: str = "boot") -> Path:
    """A fresh log file; the oldest are removed beyond KEEP_LOGS, those of failures (`keep_log`) apart from the others."""
    LOGS.mkdir(parents=True, exist_ok=True)
    old = sorted(LOGS.glob("*.log"), key=_changed)
    kept = [p for p in old if p.with_suffix(".kept").exists()]
    for path in [p for p in old if p not in kept][:-KEEP_LOGS] + kept[:-KEEP_LOGS]:
        path.unlink(missing_ok=True)
        path.with_suffix(".kept").unlink(missing_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return LOGS / f"{name}-{stamp}-{os.getpid()}-{secrets.token_hex(2)}.log"


def keep_log(log: Path) -> None:
    """A failure's log is not removed for later boots that went well."""
    log.with_suffix(".kept").touch()


class Monitor:
    """QEMU's human monitor on a socket, for a look at a machine that hangs."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="scarlet-")
        self.path = Path(self._folder.name) / "monitor"

    def arguments(self) -> list[str]:
        """For the QEMU command line."""
        return ["-monitor", f"unix:{self.path},server=on,wait=off"]

    def ask(self, command: str, timeout: float = 3.0) -> str:
        """One command's answer, or what came before the time was up."""
        got = b""
        with socket.socket(socket.AF_UNIX) as sock, contextlib.suppress(OSError):
            sock.settimeout(timeout)
            sock.connect(str(self.path))
            while b"(qemu) " not in got:
                got += sock.recv(65536)
            got = b""
            sock.sendall(command.encode() + b"\n")
            while b"(qemu) " not in got:
                data = sock.recv(65536)
                if not data:
                    break
                got += data
        text = got.decode(errors="replace")
        return text.split("\n", 1)[-1].rsplit("(qemu) ", 1)[0]

    def close(self) -> None:
        """Remove the socket."""
        self._folder.cleanup()


def symbolise(elf: Path, registers: str) -> str:
    """The function names behind the `pc` and `ra` lines of `info registers -a`."""
    out: list[str] = []
    if not elf.is_file():
        return ""
    for line in registers.splitlines():
        words = line.split()
        for register in ("pc", "x1/ra", "sepc"):
            if register in words[:-1]:
                value = words[words.index(register) + 1]
                done = subprocess.run(["llvm-symbolizer-19", "-e", str(elf), "-s", "0x" + value],
                                      capture_output=True, text=True, check=False)
                out.append(f"{register} {value} {' '.join(done.stdout.split())}")
    return "\n".join(out)
