"""The overlay file system: what Linux's documentation says of it, one boot for many statements."""

from __future__ import annotations

import dataclasses

import pytest

from harness import machine, once

pytestmark = [pytest.mark.boot, pytest.mark.scarlet]


def boot(what: machine.Machine, command: str, timeout: float = 60) -> list[str]:
    """The lines that a command prints; a status other than 0 fails."""
    done = once.boot(what, command, timeout)
    assert done.status == 0, done.output
    return done.lines


# Two lower layers, an upper one, all on one tmpfs; `ov` mounts them.
SETUP = """
    cd /tmp && mkdir t && mount -t tmpfs x t && cd t && mkdir l1 l2 u w m
    ov() { mount -t overlay ov -o lowerdir=l1:l2,upperdir=u,workdir=w m; }
"""


def test_merge(guest: machine.Machine) -> None:
    """Upper layers hide files below them; directories are merged without duplicates."""
    assert boot(guest, SETUP + """
        echo 1 > l1/a; echo 2 > l2/a; echo b > l2/b; mkdir l1/d l2/d; echo x > l1/d/x; echo x2 > l2/d/x; echo y > l2/d/y
        echo file > l1/fd; mkdir l2/fd; touch l2/fd/under; ov
        cat m/a m/b m/d/x m/d/y m/fd; echo $(ls m) $(ls m/d)""") == ["1", "b", "x", "y", "file", "a b d fd x y"]


def test_copy_up(guest: machine.Machine) -> None:
    """A change goes to the upper layer with mode, owner, times and attributes; the number stays."""
    assert boot(guest, SETUP + """
        mkdir -p l2/p/q; echo old > l2/p/q/f; chmod 640 l2/p/q/f; chown 7:8 l2/p/q/f; touch -d @1000000000 l2/p/q/f; chmod 711 l2/p; ov
        i=$(stat -c %i m/p/q/f) d=$(stat -c %i m/p); chmod 600 m/p/q/f; stat -c '%a %u:%g %Y' m/p/q/f u/p/q/f; stat -c %a u/p
        [ $i = $(stat -c %i m/p/q/f) ] && [ $d = $(stat -c %i m/p) ] && echo same; echo new >> m/p/q/f; cat l2/p/q/f m/p/q/f
        umount m; ov; [ $i = $(stat -c %i m/p/q/f) ] && [ $i = $(ls -i m/p/q | awk '{print $1}') ] && echo still""") == [
            "600 7:8 1000000000", "600 7:8 1000000000", "711", "same", "old", "old", "new", "still"]


def test_whiteouts_and_opaque(guest: machine.Machine) -> None:
    """What is removed stays removed, also after mounting again; a directory made anew is empty."""
    assert boot(guest, SETUP + """
        echo a > l1/a; mkdir -p l2/d/e; echo f > l2/d/e/f; ov; rm m/a; rm -r m/d; echo $(ls m) .; ls -l u | awk '/^c/ { print $5, $6, $NF }'
        mkdir m/d; echo $(ls -A m/d) .; touch m/d/n; umount m; ov; echo $(ls m) $(ls m/d); echo again > m/a; cat m/a; rmdir m/d 2>/dev/null; echo $?""") == [
            ".", "0, 0 a", "0, 0 d", ".", "d n", "again", "1"]


def test_rename(guest: machine.Machine) -> None:
    """Files move across layers; directories of lower layers are copied by mv, made ones are moved."""
    assert boot(guest, SETUP + """
        echo f > l2/f; mkdir l2/low; echo x > l2/low/x; ov; mv m/f m/g; echo $(ls m); cat m/g; mkdir m/new; touch m/new/n; mv m/new m/moved
        echo $(ls m/moved); mv m/low m/low2; cat m/low2/x; echo $(ls m); echo t > m/f; cat m/f; mv m/f m/g; cat m/g; umount m; ov; echo $(ls m)""") == [
            "g low", "f", "n", "x", "g low2 moved", "t", "t", "g low2 moved"]


def test_open_files(guest: machine.Machine) -> None:
    """A file opened for reading before it is copied up shows what is written afterwards."""
    assert boot(guest, SETUP + """
        echo old > l2/f; ov; exec 5<m/f; echo newer > m/f; cat <&5; exec 5<m/f; rm m/f; cat <&5; cat l2/f""") == ["newer", "newer", "old"]


def test_hard_links(guest: machine.Machine) -> None:
    """Names of one lower file stay names of one file; what is written is there after mounting again."""
    assert boot(guest, SETUP + """
        echo one > l2/a; ln l2/a l2/b; ov; echo two > m/b; cat m/a m/b; stat -c %h m/a; [ m/a -ef m/b ] && echo same
        rm m/a; cat m/b; stat -c %h m/b; ln m/b m/c; stat -c %h m/c; umount m; ov; cat m/b m/c; [ -e m/a ] || echo gone""") == [
            "two", "two", "2", "same", "two", "1", "2", "two", "two", "gone"]


def test_read_only_and_errors(guest: machine.Machine) -> None:
    """Without an upper layer nothing changes; wrong options are refused."""
    assert boot(guest, SETUP + """
        echo a > l1/a; mount -t overlay ro -o lowerdir=l1:l2 m; cat m/a; { echo x > m/a; } 2>&1 | grep -c Read-only; touch m/n 2>/dev/null; echo $?
        umount m; for o in lowerdir=l1 upperdir=u,workdir=w lowerdir=l1,upperdir=u lowerdir=l1,upperdir=u,workdir=u/w lowerdir=l1:l2,nonsense
        do mount -t overlay x -o $o m 2>/dev/null && echo mounted $o; done; df -T /tmp/t | wc -l""") == ["a", "1", "1", "2"]


def test_large_directory(guest: machine.Machine) -> None:
    """Merged directories list every name once, with the numbers that stat tells, also while names change."""
    assert boot(guest, SETUP + """
        mkdir l1/d l2/d; i=0; while [ $i -lt 400 ]; do : > l2/d/f$i; [ $i -lt 200 ] && : > l1/d/f$i; i=$((i+1)); done; ov
        ls m/d | wc -l; ls m/d | sort | uniq -d | wc -l; for f in m/d/f1*; do echo x > $f; done; rm m/d/f2*; ls m/d | wc -l
        ls -i m/d | while read n f; do [ $n = $(stat -c %i m/d/$f) ] || echo wrong $f; done; rm -r m/d; echo $(ls m)""", 120) == ["400", "0", "289", ""]


def test_programs_run_from_layers(guest: machine.Machine, smp: int) -> None:
    """Programs are mapped from lower layers, from copies, and from an overlay over an overlay."""
    assert boot(dataclasses.replace(guest, smp=smp), SETUP + """
        cp /bin/busybox l2/busybox; ov; m/busybox echo lower; chmod 755 m/busybox; m/busybox echo upper
        mkdir u2 w2 m2; mount -t overlay two -o lowerdir=m:l1,upperdir=u2,workdir=w2 m2; m2/busybox echo twice; m2/busybox rm m2/busybox; ls m2 | wc -l
        umount m2; umount m; echo done""") == ["lower", "upper", "twice", "0", "done"]
