// How threads start on x86_64, and the frame of an event handler: the event, what was blocked, all
// registers, extended state above them. Lies on the user's stack below the red zone; what comes
// back from there is checked before it is used.
//
// Entry points are no C functions: the stack pointer is a multiple of 16 and holds no return
// address.
#include "scarlet_types.h"
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <native/frame.h>
#include <sched/thread.h>
#include <vm/user.h>

struct event_frame {
    struct scarlet_task_event event;
    u32 blocked, magic;
    u64 rip, flags, rsp;
    u64 args[6]; // rdi rsi rdx r10 r8 r9
    u64 rax, rbx, rcx, rbp, r11, r12, r13, r14, r15;
    u64 fpu_len; // bytes behind the frame, 0: the initial state
};
enum { FRAME_MAGIC = 0x53435658 };
enum : u64 {
    RED_ZONE = 128,
    FLAGS_USER = 0x40dd5 /* AC OF DF TF SF ZF AF PF CF and RF */,
    FLAGS_FIXED = 0x202,
    FLAGS_CLEARED = 0x10500 /* DF, TF, RF: not for handlers */,
};

void thread_frame_init(struct trapframe *tf, u64 entry, u64 stack, u64 argument)
{
    tf_set_pc(tf, entry);
    tf_set_sp(tf, stack);
    tf_args(tf)[0] = argument;
    tf->rbp = 0; // backtraces end here
}

static int put_frame(struct event_frame *f, const struct arch_fpu_state *fpu, u64 top, u64 *at)
{
    *at = (top - sizeof(*f) - fpu->len) & ~15ul;
    f->fpu_len = fpu->len;
    int err = user_copy_out(uaddr(*at), f, sizeof(*f));
    return err ? err : user_copy_out(uaddr(*at + sizeof(*f)), fpu->area, fpu->len);
}

int event_frame_push(struct trapframe *tf, u64 entry, u64 stack_top,
                     const struct scarlet_task_event *e, u32 blocked)
{
    u64 sp = tf_sp(tf), at;
    bool there = stack_top && sp < stack_top && sp >= stack_top - (1ul << 20);
    struct arch_fpu_state *fpu = kmalloc(sizeof(*fpu), 0);
    if (!fpu)
        return -E_NOMEM;
    arch_fpu_save(current_arch(), fpu);
    struct event_frame f;
    memset(&f, 0, sizeof(f));
    f.event = *e;
    f.blocked = blocked;
    f.magic = FRAME_MAGIC;
    f.rip = tf->rip, f.flags = tf->flags, f.rsp = tf->rsp;
    memcpy(f.args, tf->args, sizeof(f.args));
    f.rax = tf->rax, f.rbx = tf->rbx, f.rcx = tf->rcx, f.rbp = tf->rbp, f.r11 = tf->r11;
    f.r12 = tf->r12, f.r13 = tf->r13, f.r14 = tf->r14, f.r15 = tf->r15;
    int err = put_frame(&f, fpu, stack_top && !there ? stack_top : sp - RED_ZONE, &at);
    kfree(fpu);
    if (err)
        return -E_FAULT;
    tf_set_sp(tf, at);
    tf_set_pc(tf, entry);
    tf_args(tf)[0] = at;
    tf->flags &= ~FLAGS_CLEARED;
    tf->in_call = 0;
    return 0;
}

static int get_fpu(u64 at, u64 len)
{
    struct arch_fpu_state *fpu = kmalloc(sizeof(*fpu), 0);
    if (!fpu)
        return -E_NOMEM;
    int err = len <= sizeof(fpu->area) ? user_copy_in(fpu->area, uaddr(at), len) : -E_INVAL;
    if (!err)
        err = arch_fpu_load(current_arch(), fpu->area, len);
    kfree(fpu);
    return err;
}

int event_frame_pop(struct trapframe *tf, u32 *blocked)
{
    struct event_frame f;
    u64 at = tf_sp(tf);
    if (user_copy_in(&f, uaddr(at), sizeof(f)) || f.magic != FRAME_MAGIC ||
        get_fpu(at + sizeof(f), f.fpu_len))
        return -E_FAULT;
    tf->rip = f.rip, tf->rsp = f.rsp;
    tf->flags = (f.flags & FLAGS_USER) | FLAGS_FIXED;
    memcpy(tf->args, f.args, sizeof(f.args));
    tf->rax = f.rax, tf->rbx = f.rbx, tf->rcx = f.rcx, tf->rbp = f.rbp, tf->r11 = f.r11;
    tf->r12 = f.r12, tf->r13 = f.r13, tf->r14 = f.r14, tf->r15 = f.r15;
    *blocked = f.blocked;
    tf->in_call = 0;
    return 0;
}
