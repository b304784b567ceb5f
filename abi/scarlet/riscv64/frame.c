// How threads start on riscv64, and the frame of an event handler: the event, what was blocked, all
// registers, floating-point state. Lies on the user's stack; what comes back from there is checked
// before it is used.
#include "scarlet_types.h"
#include <kerr.h>
#include <lib/string.h>
#include <native/frame.h>
#include <sched/thread.h>
#include <vm/user.h>

struct event_frame {
    struct scarlet_task_event event;
    u32 blocked, magic;
    u64 pc, x[32];
    struct arch_fpu_state fpu;
};
enum { FRAME_MAGIC = 0x53435654 };

int event_frame_push(struct trapframe *tf, u64 entry, u64 stack_top,
                     const struct scarlet_task_event *e, u32 blocked)
{
    u64 sp = tf_sp(tf),
        top = stack_top && !(sp < stack_top && sp >= stack_top - (1ul << 20)) ? stack_top : sp;
    u64 at = (top - sizeof(struct event_frame)) & ~15ul;
    struct event_frame f;
    memset(&f, 0, sizeof(f));
    f.event = *e;
    f.blocked = blocked;
    f.magic = FRAME_MAGIC;
    f.pc = tf_pc(tf);
    memcpy(f.x, tf->x, sizeof(f.x));
    arch_fpu_save(current_arch(), &f.fpu);
    if (user_copy_out(uaddr(at), &f, sizeof(f)))
        return -E_FAULT;
    tf_set_sp(tf, at);
    tf_set_pc(tf, entry);
    tf_args(tf)[0] = at;
    tf->in_call = 0;
    return 0;
}

int event_frame_pop(struct trapframe *tf, u32 *blocked)
{
    struct event_frame f;
    if (user_copy_in(&f, uaddr(tf_sp(tf)), sizeof(f)) || f.magic != FRAME_MAGIC)
        return -E_FAULT;
    memcpy(tf->x, f.x, sizeof(f.x));
    tf_set_pc(tf, f.pc);
    arch_fpu_load(current_arch(), &f.fpu);
    *blocked = f.blocked;
    tf->in_call = 0;
    return 0;
}

void thread_frame_init(struct trapframe *tf, u64 entry, u64 stack, u64 argument)
{
    tf_set_pc(tf, entry);
    tf_set_sp(tf, stack);
    tf_set_return_address(tf, 0);
    tf_args(tf)[0] = argument;
}
