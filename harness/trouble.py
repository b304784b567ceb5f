"""What trouble looks like: on the console of a machine that stopped, and in a kernel's log."""

from __future__ import annotations

import re

# Exit statuses of harness/boot (docs/run.md).
PANIC, HANG, FIRMWARE, RESTART, SANITIZER, HOST = 201, 202, 203, 204, 205, 210

NAMES = {
    PANIC: "the kernel panicked",
    HANG: "no end in time (hang)",
    FIRMWARE: "the firmware failed before it reached the kernel",
    RESTART: "the machine was reset, powered off or left before the command ended",
    SANITIZER: "a sanitizer has found an error in the hosted kernel",
    HOST: "something is missing on the host",
}

_STAMP = rb"(?:<\d+>)?(?:\[[^\]\n]*\] ?)?"
_PANIC = re.compile(rb"^" + _STAMP + rb"(?:panic: |Kernel panic)", re.MULTILINE)
_FIRMWARE = re.compile(
    rb"^(?:init_(?:cold|warm)boot: |sbi_[a-z_]+: (?:\w+ ){0,4}(?:failed|error)|Invalid (?:next|payload)|"
    rb"hart\d+: .*(?:trap|failed)|qemu-system-[a-z0-9]+: )", re.MULTILINE)
_BANNER = re.compile(rb"^OpenSBI v", re.MULTILINE)
_SANITIZER = re.compile(rb"^(?:==\d+==ERROR: |WARNING: ThreadSanitizer: |[^\n]{1,200}: runtime error: )", re.MULTILINE)
# Lines of a kernel's log that are a failure of the kernel whatever the test says.
_LOG = re.compile(
    rb"^" + _STAMP + rb"(BUG:|UBSAN:|lock order:|hart \d+: no progress|panic: |Kernel panic|Oops|"
    rb"WARNING: CPU|Unable to handle kernel)[^\n]*", re.MULTILINE)


def classify(console: bytes, timed_out: bool, began: bool) -> int:
    """Which status a run gets that did not reach its end; `began` is whether init had started."""
    if _PANIC.search(console):
        return PANIC
    if not began and _FIRMWARE.search(console):
        return FIRMWARE
    if not timed_out and not began and not _BANNER.search(console):
        return FIRMWARE
    return HANG if timed_out else RESTART


def sanitizer(console: bytes) -> int:
    """Where in a console's bytes a sanitizer's report begins; -1: nowhere."""
    found = _SANITIZER.search(console)
    return found.start() if found else -1


def restarted(console: bytes) -> bool:
    """Whether the firmware's banner came twice: the machine was reset and began anew."""
    return len(_BANNER.findall(console)) > 1


def in_log(log: bytes) -> list[str]:
    """The lines of a kernel's log that report a broken promise of the kernel."""
    return [m.group(0).decode(errors="replace") for m in _LOG.finditer(log)]
