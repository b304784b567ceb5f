"""gdb commands that know the kernel: its tasks, threads, handles and address spaces, and stacks of threads that sleep.

    gdb -x harness/gdb/scarlet.py -p PID                          a hosted kernel (docs/hosted.md)
    gdb-multiarch -x harness/gdb/scarlet.py build/release/scarlet.elf -ex 'target remote :PORT'

    scarlet tasks | threads [PID] | handles PID | areas PID | bt TID | switch TID | back

They read memory only, so what they show may be half changed where a CPU was stopped in the middle of a change.
"""

# Runs inside gdb, which brings its own module.
# pylint: disable=import-error
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gdb  # type: ignore[import-not-found]
from gdb.unwinder import Unwinder  # type: ignore[import-not-found]

RADIX_SLOTS = 64
WAITING = {"switch_to", "sched_run", "schedule", "wait_sleep", "thread_sleep_until", "preempt_schedule", "upcall_preempt"}
STATES = ["runnable", "sleeping", "blocked", "stopped", "dead"]


def pointer(value: Any, kind: str) -> Any:
    """Whatever holds an address (an atomic pointer, a number) as a pointer to `kind`."""
    return gdb.Value(int(value) & (1 << 64) - 1).cast(gdb.lookup_type(kind).pointer())


def text(value: Any) -> str:
    """A C string, however it is kept."""
    return str(value.string(errors="replace"))


def word(address: int) -> int:
    """A machine word."""
    return int(pointer(address, "unsigned long").dereference()) & (1 << 64) - 1


def inside(item: Any, kind: str, member: str) -> Any:
    """The struct whose member a list link or tree node is."""
    at = next(f.bitpos // 8 for f in gdb.lookup_type(kind).fields() if f.name == member)
    return pointer(int(item) - at, kind)


def listed(head: Any, kind: str, member: str) -> Iterator[Any]:
    """The items of a list."""
    link = head["next"]
    while int(link) != int(head.address):
        yield inside(link, kind, member)
        link = link["next"]


def numbered() -> Iterator[Any]:
    """Every struct pid, by number."""
    def below(slot: int) -> Iterator[Any]:
        if slot & 2:
            slots = pointer(slot & ~2, "struct radix_node")["slots"]
            for i in range(RADIX_SLOTS):
                if int(slots[i]):
                    yield from below(int(slots[i]))
        elif slot:
            yield pointer(slot, "struct pid")
    yield from below(int(gdb.parse_and_eval("'pid.c'::pids")["root"]))


def tasks() -> Iterator[Any]:
    """Every task, zombies too."""
    for p in numbered():
        if int(p["task"]):
            yield pointer(p["task"], "struct task")


def threads_of(task: Any) -> Iterator[Any]:
    """Its struct task_thread."""
    return listed(task["threads"], "struct task_thread", "link")


def task_by(number: str) -> Any:
    """The task with this number."""
    for t in tasks():
        if int(t["pid"]) == int(number, 0):
            return t
    raise gdb.GdbError(f"no task {number}")


def thread_by(number: str) -> Any:
    """The thread (struct thread) with this number."""
    for p in numbered():
        if int(p["nr"]) == int(number, 0) and int(p["thread"]):
            return pointer(p["thread"], "struct task_thread")["thread"]
    raise gdb.GdbError(f"no thread {number}")


def is_riscv() -> bool:
    """Which of the two machines this is."""
    return any(f.name == "ra" for f in gdb.lookup_type("struct arch_thread").fields())


def saved(thread: Any) -> dict[str, int]:
    """Registers of a thread that is switched out, by gdb's names; `fp` and `pc` and `sp` on both machines."""
    at = thread["arch"]
    if int(thread["on_cpu"]):
        raise gdb.GdbError(f"it runs, on CPU {int(at['cpu']['index'])}: see gdb's own threads")
    if is_riscv():
        return {"pc": int(at["ra"]), "sp": int(at["sp"]), "fp": int(at["s"][0]), **{f"s{i}": int(at["s"][i]) for i in range(1, 12)}}
    sp = int(at["rsp"])  # switch.S
    kept = {name: word(sp + 8 * i) for i, name in enumerate(("r15", "r14", "r13", "r12", "rbx", "rbp"))}
    return {"pc": word(sp + 48), "sp": sp + 56, "fp": kept["rbp"], **kept}


def place(pc: int) -> str:
    """Function, file and line of an address."""
    line = gdb.find_pc_line(pc - 1)
    block = gdb.block_for_pc(pc - 1)
    while block and not block.function:
        block = block.superblock
    name = block.function.name if block else "?"
    return f"{pc:#018x} {name}" + (f" at {line.symtab.filename}:{line.line}" if line.symtab else "")


def show_tasks(words: list[str]) -> None:
    """tasks: number, parent, threads, ABI, what it is doing, name."""
    del words
    print("    PID    PPID THREADS ABI            STATE    NAME")
    for t in tasks():
        state = "zombie" if int(t["zombie"]) else "stopped" if int(t["stopped"]) else "exiting" if int(t["exiting"]) else "alive"
        abi = text(t["abi"]["name"]) if int(t["abi"]) else "-"
        parent = int(t["parent"]["pid"]) if int(t["parent"]) else 0
        print(f"{int(t['pid']):7} {parent:7} {int(t['thread_count']):7} {abi:14} {state:8} {text(t['name'])}")


def show_threads(words: list[str]) -> None:
    """threads [PID]: number, its task, CPU, state, where it sleeps."""
    print("    TID     PID CPU STATE    NAME             WHERE")
    for t in [task_by(words[0])] if words else tasks():
        for tt in threads_of(t):
            th = tt["thread"]
            state = "running" if int(th["on_cpu"]) else STATES[int(th["state"])]
            where = "" if int(th["on_cpu"]) else next((f for f in frames(th) if f.split()[1] not in WAITING), "")
            print(f"{int(tt['tid']):7} {int(t['pid']):7} {int(th['last_cpu']):3} {state:8} {text(th['name']):16} {where[19:]}")


def show_handles(words: list[str]) -> None:
    """handles PID: number, kind of object, address, rights."""
    table = task_by(words[0])["handles"]
    if not int(table):
        return
    slots = pointer(table["slots"], "struct slots")
    print("     FD TYPE             OBJECT             RIGHTS FLAGS")
    for i in range(int(slots["cap"])):
        w = int(slots["slot"][i]["word"]) & (1 << 64) - 1
        if w >> 1:
            address = w & 0xffff_ffff_fffe
            address |= 0xffff << 48 if address >> 47 else 0
            o = pointer(address, "struct object")
            print(f"{i:7} {text(o['type']['name']):16} {address:#018x} {w >> 48:#06x} {'close-on-exec' if w & 1 else ''}")


def show_areas(words: list[str]) -> None:
    """areas PID: its address space."""
    space = task_by(words[0])["aspace"]
    if not int(space):
        return

    def below(node: Any) -> Iterator[Any]:
        if int(node):
            yield from below(node["left"])
            yield inside(node, "struct vma", "node")
            yield from below(node["right"])

    print(f"space {int(space):#x}, page table at {int(space['arch']['root']):#x}, {int(space['area_count'])} areas")
    for v in below(space["areas"]["node"]):
        f = int(v["flags"])
        bits = "".join(c if f & b else "-" for c, b in (("r", 1), ("w", 2), ("x", 4))) + ("s" if f & 64 else "p")
        what = text(v["label"]) if int(v["label"]) else f"object {int(v['object']):#x} + {int(v['offset']):#x}" if int(v["object"]) else ""
        print(f"{int(v['start']):#018x} {int(v['end']):#018x} {bits} {what}")


def frames(thread: Any) -> Iterator[str]:
    """The stack of a thread that is switched out, innermost first, by frame pointers."""
    registers = saved(thread)
    pc, fp = registers["pc"], registers["fp"]
    low, high = int(thread["kstack"]), int(thread["arch"]["kstack_top"])
    yield place(pc)
    while low <= fp < high and fp % 8 == 0:
        above, pc = (word(fp - 16), word(fp - 8)) if is_riscv() else (word(fp), word(fp + 8))
        if not pc:
            return
        yield place(pc)
        if above <= fp:
            return
        fp = above


def show_stack(words: list[str]) -> None:
    """bt TID: where a thread sleeps."""
    for i, line in enumerate(frames(thread_by(words[0]))):
        print(f"#{i:<3} {line}")


class Sleeper(Unwinder):  # type: ignore[misc]
    """Lets the stack of a thread that sleeps follow gdb's innermost frame. Nothing in the kernel changes."""

    def __init__(self) -> None:
        super().__init__("scarlet")
        self.registers: dict[str, int] = {}
        self.after: tuple[int, int] = (0, 0)  # pc and sp of the innermost frame

    def __call__(self, frame: Any) -> Any:
        """gdb asks: who called this frame?"""
        if not self.registers or (int(frame.read_register("pc")), int(frame.read_register("sp"))) != self.after:
            return None
        info = frame.create_unwind_info(FrameId(gdb.Value(self.after[1]), gdb.Value(self.after[0])))
        for name, value in self.registers.items():
            if name != "fp" or is_riscv():
                info.add_saved_register(name, gdb.Value(value).cast(frame.read_register(name).type))
        return info

    def show(self, registers: dict[str, int]) -> None:
        """From now on this stack; none: the real one."""
        self.registers = {}
        gdb.invalidate_cached_frames()
        frame = gdb.newest_frame()
        self.after = (int(frame.read_register("pc")), int(frame.read_register("sp")))
        self.registers = registers
        gdb.invalidate_cached_frames()


class FrameId:
    """What gdb knows a frame by."""

    def __init__(self, sp: Any, pc: Any) -> None:
        self.sp = sp
        self.pc = pc


SLEEPER = Sleeper()
gdb.unwinder.register_unwinder(None, SLEEPER, replace=True)


def switch_to(words: list[str]) -> None:
    """switch TID: frames from 1 on are the thread's (bt, up, info locals), until back or the kernel runs on."""
    SLEEPER.show(saved(thread_by(words[0])))
    gdb.execute("frame 1")


def go_back(words: list[str]) -> None:
    """back: the real stack again."""
    del words
    SLEEPER.show({})
    gdb.execute("frame 0")


COMMANDS = {"tasks": (show_tasks, 0), "threads": (show_threads, 0), "handles": (show_handles, 1), "areas": (show_areas, 1),
            "bt": (show_stack, 1), "switch": (switch_to, 1), "back": (go_back, 0)}


class Scarlet(gdb.Command):  # type: ignore[misc]
    """The kernel's tasks: scarlet tasks | threads [PID] | handles PID | areas PID | bt TID | switch TID | back"""

    def __init__(self) -> None:
        super().__init__("scarlet", gdb.COMMAND_STATUS)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """One command."""
        del from_tty
        words = gdb.string_to_argv(argument)
        fn, least = COMMANDS.get(words[0], (None, 0)) if words else (None, 0)
        if not fn or len(words) - 1 < least or any(not w.isdigit() for w in words[1:]):
            raise gdb.GdbError(self.__doc__)
        fn(words[1:])

    def complete(self, text_: str, word_: str) -> list[str]:
        """Names of commands."""
        del word_
        return [name for name in COMMANDS if name.startswith(text_)]


Scarlet()
