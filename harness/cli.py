"""The command line of harness/boot."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from harness import frames, machine, run, trouble
from harness.image import cpio, tree


class _Parser(argparse.ArgumentParser):
    """Usage errors must not look like a guest's status 2."""

    def error(self, message: str):  # noqa: ANN201
        self.print_usage(sys.stderr)
        self.exit(trouble.HOST, f"boot: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The options of harness/boot."""
    p = _Parser(prog="harness/boot", description="Boot the kernel in QEMU: an interactive shell, or one command line "
                "whose output and exit status become this program's own.",
                epilog="Exit status: the guest command's; 201 panic, 202 hang, 203 firmware error, 204 unexpected "
                "restart, 210 wrong usage or something missing on the host.")
    p.add_argument("--smp", type=int, default=1, metavar="N", help="harts (default 1)")
    p.add_argument("--mem", default="512M", metavar="M", help="memory (default 512M)")
    p.add_argument("--overlay", type=Path, metavar="DIR", help="lay this folder over the root image")
    p.add_argument("--append", default=os.environ.get("SCARLET_APPEND", ""), metavar="WORDS", help="more kernel words")
    p.add_argument("--kernel", type=Path, metavar="IMAGE", help="another kernel image")
    p.add_argument("--on", choices=machine.PLATFORMS, default="scarlet", metavar="PLATFORM",
                   help=f"what to boot: {', '.join(machine.PLATFORMS)} (docs/hosted.md)")
    p.add_argument("--linux", dest="on", action="store_const", const="linux", help="boot Debian's kernel instead of Scarlet: --on linux")
    p.add_argument("--initrd", type=Path, metavar="FILE", help="another root image")
    p.add_argument("--stdin", type=Path, metavar="FILE", help="the command's standard input (default /dev/null)")
    p.add_argument("--shell", metavar="ABI", default=os.environ.get("SHELL_ABI") or "linux",
                   help="whose shell runs the command line or is opened: linux (busybox, the default), scarlet, xv6")
    p.add_argument("--tty", action="store_true", help="run the command on the console instead of a pipe")
    p.add_argument("--timeout", type=float, default=120, metavar="S", help="seconds until a run counts as hung (120)")
    p.add_argument("--log", type=Path, metavar="FILE", help="where the console goes (default: a new file in build/log)")
    p.add_argument("--gdb", action="store_true", help="wait for gdb before the first instruction")
    p.add_argument("--cmd-from-env", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("command", nargs="*", help="after --: the command line for the guest's shell")
    return p


def gdb_arguments(kernel: Path) -> list[str]:
    """QEMU's gdb server on a free port, and the line that attaches to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    elf = kernel.with_suffix(".elf")
    print(f"attach with: gdb-multiarch {elf} -ex 'target remote 127.0.0.1:{port}'", file=sys.stderr)
    print(f"         or: lldb-19 {elf} -o 'gdb-remote 127.0.0.1:{port}'", file=sys.stderr)
    return ["-S", "-gdb", f"tcp:127.0.0.1:{port}"]


def interactive(what: machine.Machine, shell: str, gdb: bool) -> int:
    """A shell on this terminal: busybox's, or the program `shell`."""
    what.check()
    size = shutil.get_terminal_size((80, 24))
    term = os.environ.get("TERM", "vt100")
    control = [cpio.Entry("/.scarlet", 0o040755),
               cpio.Entry("/.scarlet/terminal", 0o100644, f"{size.lines} {size.columns} {term}\n".encode())]
    if shell:
        control.append(cpio.Entry("/.scarlet/session", 0o100644, shell.encode() + b"\n"))
    extra = gdb_arguments(what.kernel_file) if gdb else []
    with machine.initrd_file(what.initrd_bytes(control)) as initrd:
        print("control-A X leaves", file=sys.stderr)
        old = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            status = subprocess.run(what.argv(initrd, ["console=ttyS0", "quiet", "loglevel=1"], machine.Console.PERSON, extra), check=False)
        finally:
            signal.signal(signal.SIGINT, old)
    return trouble.HOST if status.returncode else 0


def command(what: machine.Machine, job: machine.Job, timeout: float, log: Path, extra: list[str]) -> int:
    """One command line: its output on standard output, its status as ours."""
    status = trouble.RESTART
    boot = run.Run(what, [job], log, extra=extra)
    try:
        for event in boot.events(timeout):
            match event:
                case frames.Output(data):
                    sys.stdout.buffer.write(data)
                    sys.stdout.buffer.flush()
                case frames.End(status=ended):
                    status = ended
    except run.Failure as failure:
        sys.stdout.flush()
        print(f"\n{failure.tail}\nboot: {failure}", file=sys.stderr)
        return failure.status
    for line in trouble.in_log(boot.kernel_log):
        print(f"boot: kernel log: {line} ({log})", file=sys.stderr)
    return status


def main(argv: list[str]) -> int:
    """Entry of harness/boot."""
    args = parser().parse_args(argv)
    words = args.command
    what = machine.Machine(smp=args.smp, memory=args.mem, append=args.append, kernel=args.kernel, on=args.on,
                           overlay=args.overlay, image=args.initrd)
    try:
        shell = machine.shell_of(args.shell, what.platform)
        text = os.environ.get("SCARLET_CMD", "") if args.cmd_from_env else " ".join(words)
        if not text:
            return interactive(what, shell, args.gdb)
        stdin = args.stdin.read_bytes() if args.stdin else None
        job = machine.Job(os.fsencode(text), stdin, args.tty, shell)
        extra = gdb_arguments(what.kernel_file) if args.gdb else []
        return command(what, job, args.timeout, args.log or machine.new_log(), extra)
    except (machine.MachineError, tree.FolderError, cpio.CpioError, OSError) as error:
        print(f"boot: {error}", file=sys.stderr)
        return trouble.HOST
    except KeyboardInterrupt:
        return 130
