"""make fuzz-hosted: random call sequences on the hosted kernel under sanitizers, from the call tables, for TIME seconds.

Sequence n is the same in every run: `SEED=n COUNT=1` repeats one. What is found is printed with its seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from harness import hosted, trouble

BATCH = 25  # sequences in one boot
# Ends the machine or the run, or sets the clock that the run itself looks at.
LEFT_OUT = {"reboot", "exit", "exit_group", "clock_settime", "settimeofday", "adjtimex", "clock_adjtime", "kexec_load", "vfork"}
KINDS = {"fd": "FD", "cstr": "PATH", "vec": "VECTOR", "strv": "STRINGS", "ptr": "MEMORY", "seq": "MEMORY", "bytes": "MEMORY",
         "uaddr": "ADDRESS"}


def table(decode: dict) -> str:  # type: ignore[type-arg]
    """The C table that the guest program reads."""
    sets: dict[str, int] = {}
    values = ["{0, {0}}"]

    def number_of(name: str) -> int:
        if name not in sets:
            found = decode["sets"].get(name, {}).get("values", [])[:60]
            sets[name] = len(values)
            values.append("{%d, {%s}}" % (len(found), ", ".join(f"(unsigned long){v['value']}" for v in found) or "0"))
        return sets[name]

    def arg(a: dict) -> str:  # type: ignore[type-arg]
        kind, chosen = KINDS.get(a["form"], "VALUE"), 0
        t = a.get("type", {})
        if kind == "VALUE":
            for word in ("flags", "enum"):
                if word in t:
                    kind, chosen = word.upper(), number_of(f"{word} {t[word]}")
            name = t.get("name", "")
            if t.get("resource") in ("pid", "tid") or name in ("pid", "tid", "pgid", "idtype_id"):
                kind = "TASK"
            elif t.get("resource") == "fd":
                kind = "FD"
            elif name in ("signal", "signo", "sig"):
                kind = "SIGNAL"
        if a["name"] in ("pid", "tid", "tgid", "pgid", "id"):
            kind = "TASK"
        return "{FUZZ_%s, %d, %d}" % (kind, chosen, t.get("size", 0))

    calls = []
    for call in decode["calls"]:
        if call["name"] in LEFT_OUT or call.get("number") is None:
            continue
        by_register = {a["reg"]: a for a in call["args"]}
        args = [arg(by_register.get(i, {"form": "value", "name": ""})) for i in range(max(by_register, default=-1) + 1)]
        gives = call["result"].get("type", {}).get("resource") == "fd"
        calls.append('{"%s", %d, %d, %d, {%s}}' % (call["name"], call["number"], len(args), gives, ", ".join(args) or "{0, 0, 0}"))
    return (
        "// Generated from the call tables.\n"
        "enum { FUZZ_VALUE, FUZZ_FD, FUZZ_PATH, FUZZ_FLAGS, FUZZ_ENUM, FUZZ_TASK, FUZZ_SIGNAL, FUZZ_VECTOR, FUZZ_STRINGS,"
        " FUZZ_MEMORY, FUZZ_ADDRESS };\n"
        "struct fuzz_set { unsigned count; unsigned long values[60]; };\n"
        "struct fuzz_arg { unsigned char kind; unsigned short set; unsigned size; };\n"
        "struct fuzz_call { const char *name; int number, count, gives_fd; struct fuzz_arg args[6]; };\n"
        f"static const struct fuzz_set fuzz_sets[] = {{{', '.join(values)}}};\n"
        f"static const struct fuzz_call fuzz_calls[] = {{{', '.join(calls)}}};\n"
        f"enum {{ FUZZ_CALLS = {len(calls)} }};\n"
    )


def program(sanitizers: str) -> Path:
    """The guest program with its table, compiled."""
    tables = hosted.build(sanitizers).parent / "gen/linux/linux_decode.json"
    place = hosted.ROOT / "build/hosted/guest"
    place.mkdir(parents=True, exist_ok=True)
    part = place / f"fuzz_table.h.{os.getpid()}"
    part.write_text(table(json.loads(tables.read_text(encoding="utf-8"))), encoding="ascii")
    part.replace(place / "fuzz_table.h")
    return hosted.program("fuzz")


def tidy(text: str, kernel: Path) -> str:
    """The report with functions for addresses, without the calls that the log says are missing."""
    lines = hosted.named(text, kernel).splitlines()
    return "\n".join([line for line in lines if " is not known (first by" not in line][:60])


def run(seed: int, count: int, sanitizers: str, transport: str, more: Sequence[str] = ()) -> str:
    """What went wrong in these sequences; empty: nothing. more: options of scarlet-host."""
    options = ["--transport", transport, "--cpus", "2", "--mem", "192", "--log", "5", *more]
    try:
        done = hosted.run([str(hosted.program("fuzz")), str(seed), str(count)], options=options, sanitizers=sanitizers)
    except subprocess.TimeoutExpired as late:
        return f"no end; standard error: {(late.stderr or b'')[-3000:].decode(errors='replace')}"
    except hosted.HostedError as error:
        return tidy(str(error), hosted.build(sanitizers))
    text = (done.stdout + done.stderr).decode(errors="backslashreplace")
    if done.returncode or "done" not in text or trouble.in_log(done.stdout + done.stderr):
        return f"status {done.returncode}: {tidy(text, hosted.build(sanitizers))}"
    return ""


def main() -> None:
    """Run for a time or a number of sequences."""
    parser = argparse.ArgumentParser(prog="make fuzz-hosted")
    parser.add_argument("--time", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=0, help="sequences, instead of a time")
    parser.add_argument("--sanitizers", default="address,undefined")
    parser.add_argument("--transport", default="trap")
    o = parser.parse_args()
    program(o.sanitizers)
    seed, end, found = o.seed, time.monotonic() + o.time, 0
    while seed < o.seed + o.count if o.count else time.monotonic() < end:
        n = min(BATCH, o.seed + o.count - seed) if o.count else BATCH
        what = run(seed, n, o.sanitizers, o.transport)
        if what:
            found += 1
            print(f"seeds {seed} to {seed + n - 1}: {what}\nagain: make fuzz-hosted SEED={seed} COUNT={n}", flush=True)
        seed += n
    print(f"{seed - o.seed} sequences of 150 calls, seeds {o.seed} to {seed - 1}: {found or 'no'} findings")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
