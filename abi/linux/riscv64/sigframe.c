// The signal frame of riscv64 Linux (arch/riscv/include/uapi/asm/sigcontext.h and
// ucontext.h, 6.12): siginfo, ucontext, registers, floating-point state. The handler returns
// through the vDSO.
#include "../linux.h"
#include <kerr.h>
#include <lib/string.h>
#include <vm/user.h>

struct frame_context { // struct sigcontext
    u64 pc, regs[31];
    struct arch_fpu_state fpu; // f[32], fcsr
    u32 room[62];              // the union is as large as quad-precision state
    u32 reserved[4];           // the last three: zero, then the end mark of extensions
};
struct frame_ucontext {
    u64 flags, link;
    u64 stack_sp;
    u32 stack_flags, pad;
    u64 stack_size;
    u64 mask;
    u8 unused[120];
    u64 align;
    struct frame_context context;
};
struct sig_frame {
    u8 info[SIGINFO_SIZE];
    struct frame_ucontext uc;
};
static_assert(offsetof(struct frame_ucontext, mask) == 40);
static_assert(offsetof(struct frame_ucontext, context) == 176);
static_assert(sizeof(struct frame_context) == 784);
static_assert(sizeof(struct arch_fpu_state) == 264);
static_assert(sizeof(struct sig_frame) == 1088); // AT_MINSIGSTKSZ

// What is filled in and read again; between it and the last words lies room that is left alone.
#define FRAME_HEAD offsetof(struct sig_frame, uc.context.room)
#define FRAME_TAIL offsetof(struct sig_frame, uc.context.reserved)

enum { ALT_ONSTACK = 1, ALT_DISABLE = 2, ALT_AUTODISARM = 1u << 31 };

static bool on_altstack(const struct linux_thread *lt, u64 sp)
{
    return lt->altstack.size && sp > lt->altstack.sp && sp - lt->altstack.sp <= lt->altstack.size;
}

static u64 pick_stack(const struct linux_thread *lt, const struct sig_action *act, u64 sp)
{
    if (act->flags & ACTION_ONSTACK && lt->altstack.size && !on_altstack(lt, sp))
        sp = lt->altstack.sp + lt->altstack.size;
    return (sp - sizeof(struct sig_frame)) & ~15ul;
}

int sigframe_push(struct trapframe *tf, const struct sig_action *act, const struct sig_info *info,
                  u64 saved_mask)
{
    struct linux_thread *lt = current_linux();
    u64 sp = tf_sp(tf), at = pick_stack(lt, act, sp);
    if (on_altstack(lt, sp) && !on_altstack(lt, at)) // the frame would run off the alternate stack
        return -E_FAULT;
    struct sig_frame f;
    memset(&f, 0, offsetof(struct sig_frame, uc.context));
    siginfo_encode(info, f.info);
    f.uc.stack_sp = lt->altstack.sp;
    f.uc.stack_flags = lt->altstack.size == 0 ? ALT_DISABLE : on_altstack(lt, sp) ? ALT_ONSTACK : 0;
    f.uc.stack_flags |= lt->altstack.flags & ALT_AUTODISARM;
    f.uc.stack_size = lt->altstack.size;
    f.uc.mask = saved_mask;
    f.uc.context.pc = tf_pc(tf);
    memcpy(f.uc.context.regs, &tf->x[1], sizeof(f.uc.context.regs));
    arch_fpu_save(current_arch(), &f.uc.context.fpu);
    static const u64 tail[2];
    static_assert(sizeof(tail) == sizeof(f) - FRAME_TAIL);
    int err = user_copy_out(uaddr(at), &f, FRAME_HEAD);
    if (!err)
        err = user_copy_out(uaddr(at + FRAME_TAIL), tail, sizeof(tail));
    if (err)
        return err;
    if (lt->altstack.flags & ALT_AUTODISARM && on_altstack(lt, at))
        lt->altstack.sp = lt->altstack.size = lt->altstack.flags = 0;
    tf_set_sp(tf, at);
    tf_set_pc(tf, act->handler);
    tf_set_return_address(tf, linux_vdso_sigreturn(current_task()->aspace));
    tf->x[10] = (u64)info->signo;
    tf->x[11] = at + offsetof(struct sig_frame, info);
    tf->x[12] = at + offsetof(struct sig_frame, uc);
    tf->in_call = 0;
    return 0;
}

int sigframe_pop(struct trapframe *tf, u64 *mask)
{
    struct sig_frame f;
    int err = user_copy_in(&f, uaddr(tf_sp(tf)), FRAME_HEAD);
    if (!err)
        err = user_copy_in(f.uc.context.reserved, uaddr(tf_sp(tf) + FRAME_TAIL),
                           sizeof(f) - FRAME_TAIL);
    if (err)
        return err;
    const u32 *tail = f.uc.context.reserved;
    if (tail[1] || tail[2] || tail[3])
        return -E_FAULT;
    struct linux_thread *lt = current_linux();
    *mask = f.uc.mask;
    tf->pc = f.uc.context.pc;
    memcpy(&tf->x[1], f.uc.context.regs, sizeof(f.uc.context.regs));
    f.uc.context.fpu.fcsr &= 0xff;
    arch_fpu_load(current_arch(), &f.uc.context.fpu);
    if (!on_altstack(lt, tf_sp(tf))) {
        bool off = f.uc.stack_flags & ALT_DISABLE;
        lt->altstack.sp = off ? 0 : f.uc.stack_sp;
        lt->altstack.size = off ? 0 : f.uc.stack_size;
        lt->altstack.flags = off ? 0 : f.uc.stack_flags & ALT_AUTODISARM;
    }
    tf->in_call = 0;
    return 0;
}
