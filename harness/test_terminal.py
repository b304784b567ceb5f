"""The terminal: line editing, job control, signals from keys, full-screen programs."""

from __future__ import annotations

import re
import time

import pytest

from harness.console import PROMPT, Console

pytestmark = pytest.mark.boot


def test_job_control(terminal: Console) -> None:
    """^C, ^Z, jobs, fg, bg, background reads and writes, ^D, ^\\ ."""
    t = terminal
    assert t.run("tty").strip() == "/dev/ttyS0"
    t.line("/bin/sleep 600")
    t.child.expect(r"\n", timeout=10)
    time.sleep(0.4)
    t.send("\x03")
    t.expect(re.escape(PROMPT), 10)
    assert t.run("echo $?").strip() == "130"
    t.line("/bin/sleep 601; echo never")
    t.child.expect(r"\n", timeout=10)
    time.sleep(0.4)
    t.send("\x1a")
    stopped = t.expect(re.escape(PROMPT), 10).decode()
    assert "Stopped" in stopped
    assert "Stopped" in t.run("jobs")
    t.run("bg")
    assert "Running" in t.run("jobs")
    t.line("fg")
    t.child.expect("sleep 601", timeout=10)
    time.sleep(0.4)
    t.send("\x03")
    t.expect(re.escape(PROMPT), 10)
    assert "sleep" not in t.run("jobs")
    # A background job that reads the terminal is stopped; in the foreground it reads on.
    t.run("cat > /tmp/read &")
    assert "Stopped (tty input)" in t.run("sleep 0.3; jobs") or "Stopped" in t.run("jobs")
    t.line("fg")
    t.child.expect("cat", timeout=10)
    t.line("typed")
    t.send("\x04")
    t.expect(re.escape(PROMPT), 10)
    assert t.run("cat /tmp/read").strip() == "typed"
    t.line("/bin/sleep 602")
    t.child.expect(r"\n", timeout=10)
    time.sleep(0.4)
    t.send("\x1c")
    t.expect(re.escape(PROMPT), 10)
    assert t.run("echo $?").strip() == "131"
    # A whole pipeline is one job.
    t.line("yes | cat > /dev/null")
    t.child.expect(r"\n", timeout=10)
    time.sleep(0.4)
    t.send("\x1a")
    t.expect(re.escape(PROMPT), 10)
    t.line("fg")
    t.child.expect("yes", timeout=10)
    time.sleep(0.4)
    t.send("\x03")
    t.expect(re.escape(PROMPT), 10)
    assert t.run("pidof yes; echo none").strip() == "none"


def test_line_discipline(terminal: Console) -> None:
    """Canonical input: erase, kill, end of file, echo off, raw bytes."""
    t = terminal
    t.line("echo re''ady; cat > /tmp/o")  # said when the shell's own editing is off
    t.expect("ready", 10)
    t.send("wronm\x7fg\x15right wordd\x7f\x17line\n\x04")
    t.expect(re.escape(PROMPT), 10)
    assert t.run("cat /tmp/o").strip() == "right line"
    t.line("stty -echo; echo re''ady; read -r x; stty echo; echo \"[$x]\"")
    t.expect("ready", 10)
    t.line("secret")
    text = t.expect(re.escape(PROMPT), 10).decode()
    assert text.count("secret") == 1 and "[secret]" in text
    t.line("stty raw -echo; echo re''ady; dd bs=1 count=3 2>/dev/null | od -An -tx1; stty sane")
    t.expect("ready", 10)
    t.send("\x03\x1a\r")
    assert "03 1a 0d" in t.expect(re.escape(PROMPT), 10).decode()
    assert t.run("stty size").strip() == "24 80"
    t.run("stty rows 40 cols 100")
    assert t.run("stty size").strip() == "40 100"
    assert "speed" in t.run("stty -a")


def test_full_screen_programs(terminal: Console) -> None:
    """vi edits, less pages, top refreshes; all leave the terminal sane."""
    t = terminal
    t.run("seq 100 > /tmp/f")
    t.line("vi /tmp/new")
    t.expect("/tmp/new 1/1", 10)
    # An escape that is followed at once by a letter would be a function key.
    for keys in ("ihello vi", "\x1b", "yypA again", "\x1b", ":wq\r"):
        t.send(keys)
        time.sleep(0.6)
    t.expect(re.escape(PROMPT), 10)
    assert t.run("cat /tmp/new").split("\n")[:2] == ["hello vi", "hello vi again"]
    t.line("less /tmp/f")
    t.expect("23", 10)
    t.send(" ")
    t.expect("46", 10)
    # less reads keys one by one and has the terminal raw only meanwhile, so it is typed slowly.
    for key in "/77\r":
        t.send(key)
        time.sleep(0.3)
    t.expect("99", 10)
    t.send("q")
    t.expect(re.escape(PROMPT), 10)
    t.line("top -d 1")
    t.expect("Load average", 10)
    t.expect("Load average", 10)
    t.send("q")
    t.expect(re.escape(PROMPT), 10)
    assert t.run("echo sane").strip() == "sane"


def test_hangup_and_respawn(terminal: Console) -> None:
    """Leaving the shell ends its session; init starts another."""
    t = terminal
    t.run("sleep 603 &")
    t.line("exit")
    t.expect(r"[#$] ", 15)
    t.line(f"PS1='{PROMPT}'; pidof init sh | wc -w")
    t.expect(re.escape(PROMPT), 10)
