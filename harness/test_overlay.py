"""The overlay file system: what Linux's documentation says of it, one boot for many statements.

With --on=linux the same is asked of Linux's own, a module there; what is meant to differ (docs/views.md) is marked."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from harness import machine, once

pytestmark = pytest.mark.boot
ours = pytest.mark.scarlet  # Linux does this otherwise
MODULE = machine.LINUX_KERNEL.parent / "overlay.ko"


@pytest.fixture(name="guest")
def guest_with_module(guest: machine.Machine, tmp_path: Path) -> machine.Machine:
    """The machine; on Linux with the module at hand."""
    if not guest.linux:
        return guest
    (tmp_path / "lib").mkdir()
    shutil.copy(MODULE, tmp_path / "lib/overlay.ko")
    return dataclasses.replace(guest, overlay=tmp_path)


def boot(what: machine.Machine, command: str, timeout: float = 60) -> list[str]:
    """The lines that a command prints; a status other than 0 fails."""
    done = once.boot(what, ("insmod /lib/overlay.ko;" if what.linux else "") + command, timeout)
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


@ours
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


@ours
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


def test_metadata_copies_up(guest: machine.Machine) -> None:
    """Mode, owner, times, attributes, links, devices and fifos of lower layers change in the upper one alone."""
    assert boot(guest, SETUP + """
        for f in f g h; do echo $f > l2/$f; chmod 644 l2/$f; touch -d @1000 l2/$f; done; ln -s target l2/s; mkfifo l2/p; mknod l2/c c 1 3; mkdir l2/d; touch l2/d/x; ov
        chmod 600 m/f; chown 3:4 m/g; touch -d @2000 m/h; chown -h 5:6 m/s; chmod 640 m/p; chmod 600 m/c; chmod 700 m/d
        stat -c '%n %a %u:%g' m/f m/g m/h m/s m/p m/c m/d; stat -c %Y m/f m/h; readlink m/s; echo through > m/c; echo $(ls u) . $(ls u/d)
        stat -c '%n %a %u:%g' l2/f l2/g l2/p l2/c; stat -c %Y l2/h; setfattr 2>/dev/null; cat m/f m/g m/h; echo $(ls -A w/work | wc -l)""") == [
            "m/f 600 0:0", "m/g 644 3:4", "m/h 644 0:0", "m/s 777 5:6", "m/p 640 0:0", "m/c 600 0:0", "m/d 700 0:0", "1000", "2000", "target",
            "c d f g h p s .", "l2/f 644 0:0", "l2/g 644 0:0", "l2/p 644 0:0", "l2/c 644 0:0", "1000", "f", "g", "h", "0"]


def test_data_copies_up(guest: machine.Machine) -> None:
    """Opening for writing, appending, truncating, and writing through a mapping's file bring the data along; holes and sizes stay."""
    assert boot(guest, SETUP + """
        head -c 300000 /dev/zero | tr '\\0' a > l2/big; cp l2/big l2/cut; cp l2/big l2/over; truncate -s 5M l2/hole; echo end >> l2/hole; sum=$(md5sum < l2/hole); ov
        echo z >> m/big; truncate -s 10 m/cut; echo new > m/over; echo more >> m/hole; wc -c < m/big; cat m/cut; echo; cat m/over; wc -c < m/hole
        head -c 5242884 m/hole | md5sum | grep -c "$sum"; wc -c < l2/big; : <> m/nothing; ls u; cat < m/big | tail -c 2; exec 4<> m/x; echo a >&4; cat u/x""") == [
            "300002", "aaaaaaaaaa", "new", "5242889", "1", "300000", "big", "cut", "hole", "nothing", "over", "z", "a"]


def test_every_layer_counts(guest: machine.Machine) -> None:
    """Whiteouts and opaque directories of middle layers hide what is below them; many lower layers are merged in order."""
    assert boot(guest, SETUP + """
        mkdir l3 l4 u2 w2; for i in 1 2 3 4; do mkdir l$i/d; echo $i > l$i/d/f$i; echo $i > l$i/all; done; echo below > l4/gone; mknod l2/gone c 0 0
        mount -t overlay ov -o lowerdir=l1:l2:l3:l4 m; cat m/all; echo $(ls m) , $(ls m/d); umount m
        mount -t overlay ov -o lowerdir=l3:l4,upperdir=u,workdir=w m; rm -r m/d; mkdir m/d; touch m/d/only; umount m
        mount -t overlay ov -o lowerdir=l1:u:l3:l4,upperdir=u2,workdir=w2 m; echo $(ls m/d); rm m/d/f1; echo $(ls m/d); cat m/all; echo $(ls u2/d)""") == [
            "1", "all d , f1 f2 f3 f4", "f1 only", "only", "1", "f1"]


def test_rename_kinds(guest: machine.Machine) -> None:
    """Renames over what is below, into and out of merged directories, of open files, of lower directories (EXDEV for rename itself)."""
    assert boot(guest, SETUP + """
        echo a > l2/a; echo b > l2/b; mkdir l2/d l1/d l2/e; echo x > l2/d/x; echo y > l1/d/y; ov; mv m/a m/b; cat m/b; [ -e m/a ] || echo gone
        mv m/b m/d/b; echo $(ls m/d); mv m/d/x m/x; cat m/x; echo $(ls m/d); exec 5< m/d/y; mv m/d/y m/y; cat <&5; exec 5<&-; mkdir m/n; touch m/n/f; mv m/n m/d/n; echo $(ls m/d m/d/n)
        rmdir m/e; mkdir m/e2; mv m/e2 m/e; echo $(ls -A m/e) .; rm -r m/d; mkdir m/k; mv m/k m/d; echo $(ls m/d) .; umount m; ov; echo $(ls m) , $(ls m/d) .""") == [
            "a", "gone", "b x y", "x", "b y", "y", "m/d: b n m/d/n: f", ".", ".", "d e x y , ."]


def test_deleted_and_made_again(guest: machine.Machine) -> None:
    """What was removed can be made anew as another kind of thing; removed directories cannot be seen through."""
    assert boot(guest, SETUP + """
        echo f > l2/f; mkdir -p l2/d/sub; touch l2/d/sub/x; ln -s f l2/s; ov; rm m/f; mkdir m/f; touch m/f/in; rm -r m/d; echo file > m/d; rm m/s; mkfifo m/s
        echo $(ls m/f); cat m/d; [ -p m/s ] && echo fifo; rm m/d; mkdir m/d; echo $(ls -A m/d) .; umount m; ov; echo $(ls -A m/f m/d); rm -r m/f; ln -s d m/f; readlink m/f
        cd m/d; rmdir ../d; touch x 2>&1 | grep -c 'No such'; cd ../..; echo $(ls m) , $(ls l2)""") == ["in", "file", "fifo", ".", "m/d: m/f: in", "d", "1", "f s , d f s"]


def test_four_at_once(guest: machine.Machine, smp: int) -> None:
    """Four processes copy one file up at once, and make and remove names in one merged directory, without losing any."""
    assert boot(dataclasses.replace(guest, smp=smp), SETUP + """
        mkdir l2/d; i=0; while [ $i -lt 40 ]; do echo $i > l2/d/f$i; i=$((i+1)); done; ov
        for p in 1 2 3 4; do (i=0; while [ $i -lt 40 ]; do echo $p >> m/d/f$i; echo $p > m/d/n$p.$i; [ $p = 1 ] && rm m/d/n1.$i; i=$((i+1)); done) & done; wait
        ls m/d | wc -l; cat m/d/f* | wc -l; for i in 0 7 39; do sort m/d/f$i | head -n 5 | tr '\\n' ' '; done; echo; cat l2/d/f* | wc -l; ls -A w/work | wc -l""", 120) == [
            "160", "200", "0 1 2 3 4 1 2 3 4 7 1 2 3 39 4 ", "40", "0"]
