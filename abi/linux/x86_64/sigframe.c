// The signal frame of x86_64 Linux (arch/x86/include/uapi/asm/sigcontext.h and ucontext.h, 6.12):
// return address, ucontext, siginfo; the extended state lies above it, on a multiple of 64. The
// handler returns to the action's restorer.
#include "../linux.h"
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <vm/user.h>

struct frame_context { // struct sigcontext
    u64 r8, r9, r10, r11, r12, r13, r14, r15;
    u64 di, si, bp, bx, dx, ax, cx, sp, ip, flags;
    u16 cs, gs, fs, ss;
    u64 err, trapno, oldmask, cr2;
    u64 fpstate; // user address
    u64 reserved[8];
};
struct frame_ucontext {
    u64 flags, link;
    u64 stack_sp;
    u32 stack_flags, pad;
    u64 stack_size;
    struct frame_context context;
    u64 mask;
};
struct sig_frame {
    u64 return_address;
    struct frame_ucontext uc;
    u8 info[SIGINFO_SIZE];
};
static_assert(sizeof(struct frame_context) == 256);
static_assert(offsetof(struct frame_ucontext, context) == 40 &&
              offsetof(struct frame_ucontext, mask) == 296);

struct software_bytes { // in the 48 bytes at 464 of the FXSAVE area
    u32 magic1, extended_size;
    u64 features;
    u32 state_size, padding[7];
};
static_assert(sizeof(struct software_bytes) == 48);

enum { ALT_ONSTACK = 1, ALT_DISABLE = 2, ALT_AUTODISARM = 1u << 31 };
enum : u64 { UC_FP_XSTATE = 1, UC_SIGCONTEXT_SS = 2, UC_STRICT_RESTORE_SS = 4 };
enum : u32 { MAGIC1 = 0x46505853, MAGIC2 = 0x46505845, SW_BYTES = 464, LEGACY = ARCH_FPU_OLD };
enum : u64 {
    RED_ZONE = 128,
    USER_CS = 0x33,
    USER_SS = 0x2b,
    FLAGS_USER = 0x40dd5 /* AC OF DF TF SF ZF AF PF CF and RF */,
    FLAGS_FIXED = 0x202
};

// The largest state that we ever put on a stack, and the frame.
u64 linux_min_signal_stack(void)
{
    return ALIGN_UP(
        sizeof(struct sig_frame) + sizeof(((struct arch_fpu_state *)NULL)->area) + 4 + 64, 16ul);
}

static bool on_altstack(const struct linux_thread *lt, u64 sp)
{
    return lt->altstack.size && sp > lt->altstack.sp && sp - lt->altstack.sp <= lt->altstack.size;
}

// Copies the extended state out below sp; *at: where it lies, 0 if the thread has none.
static int push_fpu(u64 sp, u64 *at)
{
    struct arch_fpu_state *fpu = kmalloc(sizeof(*fpu), 0);
    if (!fpu)
        return -E_NOMEM;
    arch_fpu_save(current_arch(), fpu);
    *at = 0;
    int err = 0;
    if (fpu->len > LEGACY) {
        u32 len = (u32)fpu->len, magic2 = MAGIC2;
        *at = (sp - len - sizeof(magic2)) & ~63ul;
        struct software_bytes sw = {.magic1 = MAGIC1, .extended_size = len + 4, .state_size = len};
        memcpy(&sw.features, fpu->area + SW_BYTES,
               8); // the host says there which features the layout holds
        memcpy(fpu->area + SW_BYTES, &sw, sizeof(sw));
        err = user_copy_out(uaddr(*at), fpu->area, len);
        if (!err)
            err = user_copy_out(uaddr(*at + len), &magic2, sizeof(magic2));
    }
    kfree(fpu);
    return err;
}

// How much of a state is meant is told in it: the old part only, unless its words are right.
static int pop_fpu(u64 at)
{
    struct arch_fpu_state *fpu = kmalloc(sizeof(*fpu), 0);
    if (!fpu)
        return -E_NOMEM;
    struct software_bytes sw = {0};
    int err = at ? user_copy_in(fpu->area, uaddr(at), LEGACY) : 0;
    if (at && !err)
        memcpy(&sw, fpu->area + SW_BYTES, sizeof(sw));
    u64 len = !at ? 0 : LEGACY;
    if (sw.magic1 == MAGIC1 && sw.state_size > LEGACY && sw.state_size <= sizeof(fpu->area))
        len = sw.state_size;
    if (!err && len > LEGACY)
        err = user_copy_in(fpu->area + LEGACY, uaddr(at + LEGACY), len - LEGACY);
    if (!err)
        err = arch_fpu_load(current_arch(), fpu->area, len);
    if (err == -E_INVAL && len > LEGACY)
        err = arch_fpu_load(current_arch(), fpu->area, LEGACY);
    kfree(fpu);
    return err;
}

int sigframe_push(struct trapframe *tf, const struct sig_action *act, const struct sig_info *info,
                  u64 saved_mask)
{
    struct linux_thread *lt = current_linux();
    u64 sp = tf->rsp, top = sp - RED_ZONE, fpstate;
    if (act->flags & ACTION_ONSTACK && lt->altstack.size && !on_altstack(lt, sp))
        top = lt->altstack.sp + lt->altstack.size;
    int err = push_fpu(top, &fpstate);
    if (err)
        return -E_FAULT;
    u64 at = (((fpstate ? fpstate : top) - sizeof(struct sig_frame)) & ~15ul) - 8;
    if (on_altstack(lt, sp) && !on_altstack(lt, at)) // the frame would run off the alternate stack
        return -E_FAULT;
    struct sig_frame f;
    memset(&f, 0, sizeof(f));
    f.return_address = act->restorer;
    siginfo_encode(info, f.info);
    f.uc.flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (fpstate ? UC_FP_XSTATE : 0);
    f.uc.stack_sp = lt->altstack.sp;
    f.uc.stack_flags = lt->altstack.size == 0 ? ALT_DISABLE : on_altstack(lt, sp) ? ALT_ONSTACK : 0;
    f.uc.stack_flags |= lt->altstack.flags & ALT_AUTODISARM;
    f.uc.stack_size = lt->altstack.size;
    f.uc.mask = saved_mask;
    f.uc.context = (struct frame_context){.r8 = tf->args[4],
                                          .r9 = tf->args[5],
                                          .r10 = tf->args[3],
                                          .r11 = tf->r11,
                                          .r12 = tf->r12,
                                          .r13 = tf->r13,
                                          .r14 = tf->r14,
                                          .r15 = tf->r15,
                                          .di = tf->args[0],
                                          .si = tf->args[1],
                                          .bp = tf->rbp,
                                          .bx = tf->rbx,
                                          .dx = tf->args[2],
                                          .ax = tf->rax,
                                          .cx = tf->rcx,
                                          .sp = tf->rsp,
                                          .ip = tf->rip,
                                          .flags = tf->flags,
                                          .cs = USER_CS,
                                          .ss = USER_SS,
                                          .err = tf->trap_error,
                                          .trapno = tf->trap_no,
                                          .oldmask = saved_mask,
                                          .cr2 = tf->trap_addr,
                                          .fpstate = fpstate};
    err = user_copy_out(uaddr(at), &f, sizeof(f));
    if (err)
        return err;
    if (lt->altstack.flags & ALT_AUTODISARM && on_altstack(lt, at))
        lt->altstack.sp = lt->altstack.size = lt->altstack.flags = 0;
    tf->rsp = at;
    tf->rip = act->handler;
    tf->rax = 0;
    tf->args[0] = (u64)info->signo;
    tf->args[1] = at + offsetof(struct sig_frame, info);
    tf->args[2] = at + offsetof(struct sig_frame, uc);
    tf->flags &= ~0x10500ul; // DF, TF, RF
    tf->in_call = 0;
    return 0;
}

int sigframe_pop(struct trapframe *tf, u64 *mask)
{
    struct sig_frame f;
    int err = user_copy_in(&f, uaddr(tf->rsp - 8), sizeof(f)); // the return address has been taken
    if (!err)
        err = pop_fpu(f.uc.context.fpstate);
    if (err)
        return err;
    struct linux_thread *lt = current_linux();
    const struct frame_context *c = &f.uc.context;
    *mask = f.uc.mask;
    tf->args[0] = c->di, tf->args[1] = c->si, tf->args[2] = c->dx, tf->args[3] = c->r10,
    tf->args[4] = c->r8, tf->args[5] = c->r9;
    tf->rax = c->ax, tf->rbx = c->bx, tf->rcx = c->cx, tf->rbp = c->bp, tf->rsp = c->sp,
    tf->rip = c->ip;
    tf->r11 = c->r11, tf->r12 = c->r12, tf->r13 = c->r13, tf->r14 = c->r14, tf->r15 = c->r15;
    tf->flags = (c->flags & FLAGS_USER) | FLAGS_FIXED;
    if (!on_altstack(lt, tf->rsp)) {
        bool off = f.uc.stack_flags & ALT_DISABLE;
        lt->altstack.sp = off ? 0 : f.uc.stack_sp;
        lt->altstack.size = off ? 0 : f.uc.stack_size;
        lt->altstack.flags = off ? 0 : f.uc.stack_flags & ALT_AUTODISARM;
    }
    tf->in_call = 0;
    return 0;
}
