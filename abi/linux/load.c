// Building a Linux program aside: segments, interpreter, vDSO, stack with arguments and auxiliary
// vector (as Linux 6.12 riscv64 lays them out), and the private state that commit installs.
#include "linux.h"
#include "probe.h"
#include <device/random.h>
#include <exec/exec.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>

enum : u64 {
    AUX_NULL = 0,
    AUX_PHDR = 3,
    AUX_PHENT = 4,
    AUX_PHNUM = 5,
    AUX_PAGESZ = 6,
    AUX_BASE = 7,
    AUX_FLAGS = 8,
    AUX_ENTRY = 9,
    AUX_UID = 11,
    AUX_EUID = 12,
    AUX_GID = 13,
    AUX_EGID = 14,
    AUX_HWCAP = 16,
    AUX_CLKTCK = 17,
    AUX_SECURE = 23,
    AUX_RANDOM = 25,
    AUX_RSEQ_SIZE = 27,
    AUX_RSEQ_ALIGN = 28,
    AUX_EXECFN = 31,
    AUX_SYSINFO_EHDR = 33,
    AUX_L1I_SIZE = 40,
    AUX_L3_GEOMETRY = 47,
    AUX_MINSIGSTKSZ = 51,
};
enum : u64 {
    STACK_GAP_MIN = 128ul << 20,
    STACK_RANDOM_PAGES = 0x3ffff, // STACK_RND_MASK, 1 GiB
    MMAP_RANDOM_PAGES = 0x3ffff,  // arch_mmap_rnd: 18 bits by default
    BRK_RANDOM = 0x02000000,
    MAX_STRINGS = 6ul << 20,
};

struct load_private { // allocated by load, installed by commit; each NULL if the task has one
                      // already
    struct linux_task *task;
    struct linux_thread *thread;
};

static u64 random_below(u64 n)
{
    u64 r;
    random_bytes(&r, sizeof(r));
    return n ? r % n : 0;
}

static void place_regions(struct aspace *as)
{
    u64 top = arch_user_top() - PAGE_SIZE;
    as->stack_limit = task_limit_soft(LIMIT_STACK);
    as->as_limit = task_limit_soft(LIMIT_AS);
    as->data_limit = task_limit_soft(LIMIT_DATA);
    u64 gap_max = top / 6 * 5, gap = as->stack_limit;
    gap = gap < STACK_GAP_MIN ? STACK_GAP_MIN : gap > gap_max ? gap_max : gap;
    as->stack_top = (top - (random_below(STACK_RANDOM_PAGES + 1) << PAGE_SHIFT)) & ~15ul;
    as->mmap_base = ALIGN_DOWN(top - gap - (STACK_RANDOM_PAGES << PAGE_SHIFT) -
                                   (random_below(MMAP_RANDOM_PAGES + 1) << PAGE_SHIFT),
                               PAGE_SIZE);
}

static int map_stack(struct exec_build *b, bool executable)
{
    u64 top = ALIGN_UP(b->as->stack_top, PAGE_SIZE),
        size = 132 * 1024; // Linux starts with 128 KiB and a page
    u64 strings = b->argv->len + b->envp->len + (b->argv->count + b->envp->count + 64ul) * 8;
    size = MAX(size, ALIGN_UP(strings + 2 * PAGE_SIZE, PAGE_SIZE));
    struct map_request r = {.addr = top - size,
                            .len = size,
                            .flags = VMA_READ | VMA_WRITE | VMA_MAYREAD | VMA_MAYWRITE |
                                     VMA_MAYEXEC | VMA_STACK | (executable ? VMA_EXEC : 0),
                            .how = MAP_REQ_FIXED | MAP_REQ_NOREPLACE,
                            .label = "[stack]"};
    i64 at = aspace_map(b->as, &r);
    return at < 0 ? (int)at : 0;
}

// The program itself, its interpreter, the break. *start: where execution begins; *base: the
// interpreter's load address.
static int load_images(struct exec_build *b, struct elf_image *main, u64 *start, u64 *base)
{
    u64 where = b->elf.type == ELF_TYPE_DYN && b->elf.has_interp
                    ? arch_user_top() / 3 * 2 + (random_below(MMAP_RANDOM_PAGES + 1) << PAGE_SHIFT)
                    : 0;
    int err = elf_load(b, b->file, where, main);
    if (err)
        return err;
    *start = main->entry;
    *base = 0;
    if (main->interp) {
        struct object *file;
        struct attr attr;
        err = exec_open_for(b, main->interp, &file, &attr);
        if (!err) {
            struct elf_image interp;
            err = elf_load(b, file, 0, &interp);
            if (!err && interp.interp)
                err = -E_LIBBAD;
            kfree(interp.interp);
            object_put(file);
            *start = interp.entry;
            *base = interp.bias;
        }
        kfree(main->interp);
        main->interp = NULL;
        if (err)
            return err;
    }
    struct aspace *as = b->as;
    u64 brk = ALIGN_UP(main->brk, PAGE_SIZE);
    if (b->elf.type == ELF_TYPE_DYN && !b->elf.has_interp) // static PIE: away from the mappings
        brk = ALIGN_UP(arch_user_top() / 3 * 2, PAGE_SIZE);
    as->brk_start = as->brk = brk + (random_below(BRK_RANDOM >> PAGE_SHIFT) << PAGE_SHIFT);
    as->start_code = main->code_start;
    as->end_code = main->code_end;
    as->start_data = main->data_start;
    as->end_data = main->data_end;
    return 0;
}

static usize fill_auxv(u64 *aux, struct exec_build *b, const struct elf_image *img, u64 base,
                       u64 vdso, u64 random, u64 name)
{
    usize n = 0;
#define AUX(key, value) (aux[n++] = (key), aux[n++] = (value))
    if (vdso)
        AUX(AUX_SYSINFO_EHDR, vdso);
    for (u64 k = AUX_L1I_SIZE; k <= AUX_L3_GEOMETRY; k++)
        AUX(k, 0);
    AUX(AUX_MINSIGSTKSZ, linux_min_signal_stack());
    AUX(AUX_HWCAP, linux_hwcap());
    AUX(AUX_PAGESZ, PAGE_SIZE);
    AUX(AUX_CLKTCK, 100);
    AUX(AUX_PHDR, img->phdr);
    AUX(AUX_PHENT, sizeof(struct elf64_segment));
    AUX(AUX_PHNUM, img->phnum);
    AUX(AUX_BASE, base);
    AUX(AUX_FLAGS, 0);
    AUX(AUX_ENTRY, img->entry);
    AUX(AUX_UID, b->cred->uid);
    AUX(AUX_EUID, b->cred->euid);
    AUX(AUX_GID, b->cred->gid);
    AUX(AUX_EGID, b->cred->egid);
    AUX(AUX_SECURE, b->secure);
    AUX(AUX_RANDOM, random);
    AUX(AUX_EXECFN, name);
    AUX(AUX_RSEQ_SIZE, 28);
    AUX(AUX_RSEQ_ALIGN, 32);
    AUX(AUX_NULL, 0);
#undef AUX
    return n;
}

static int put_pointers(const struct arg_block *args, u64 strings, u64 *out)
{
    usize off = 0;
    for (u32 i = 0; i < args->count; i++) {
        out[i] = strings + off;
        off += arg_string_size(args, off);
    }
    out[args->count] = 0;
    return 0;
}

// From the top down: 8 zero bytes, the file name, environment and argument strings, (random gap) 16
// random bytes, then argc, argv, envp, auxv.
static int build_stack(struct exec_build *b, const struct elf_image *img, u64 base, u64 vdso,
                       u64 *sp_out)
{
    struct aspace *as = b->as;
    usize name_len = strlen(b->filename) + 1;
    u64 p = as->stack_top - 8;
    u64 name = p - name_len, env = name - b->envp->len, arg = env - b->argv->len;
    p = (arg & ~15ul) - (random_below(8192 / 16) << 4);
    u64 random = p - 16;
    u8 seed[16];
    random_bytes(seed, sizeof(seed));

    u64 aux[64];
    usize naux = fill_auxv(aux, b, img, base, vdso, random, name);
    static_assert(sizeof(aux) <= sizeof(as->auxv));
    usize words = 1 + b->argv->count + 1 + b->envp->count + 1 + naux;
    u64 sp = (random - words * 8) & ~15ul;
    u64 *block = kmalloc(words * 8, 0);
    if (!block)
        return -E_NOMEM;
    block[0] = b->argv->count;
    (void)put_pointers(b->argv, arg, block + 1);
    (void)put_pointers(b->envp, env, block + 1 + b->argv->count + 1);
    memcpy(block + words - naux, aux, naux * 8);
    memcpy(as->auxv, aux, naux * 8);
    as->auxv_len = (u32)(naux * 8);

    int err = arg_write(b->argv, as, arg);
    if (!err)
        err = arg_write(b->envp, as, env);
    if (!err && (aspace_write(as, name, b->filename, name_len) != (i64)name_len ||
                 aspace_write(as, random, seed, 16) != 16 ||
                 aspace_write(as, sp, block, words * 8) != (i64)(words * 8)))
        err = -E_NOMEM;
    kfree(block);
    as->arg_start = arg;
    as->arg_end = as->env_start = env;
    as->env_end = name;
    *sp_out = sp;
    return err;
}

static int new_private(struct exec_build *b)
{
    struct load_private *p = kzalloc(sizeof(*p), 0);
    if (!p)
        return -E_NOMEM;
    b->abi_private = p;
    if (current_task()->abi == &linux_abi)
        return 0;
    p->task = linux_task_new();
    p->thread = linux_thread_new();
    return p->task && p->thread ? 0 : -E_NOMEM;
}

void linux_abandon(struct exec_build *b)
{
    struct load_private *p = b->abi_private;
    if (!p)
        return;
    if (p->task)
        linux_task_delete(p->task);
    if (p->thread)
        linux_thread_delete(p->thread);
    kfree(p);
    b->abi_private = NULL;
}

int linux_load(struct exec_build *b)
{
    struct elf_image img;
    u64 start, base, vdso, sp;
    u64 limit = MIN(MAX_STRINGS, task_limit_soft(LIMIT_STACK) / 4);
    if (b->argv->len + b->envp->len > limit)
        return -E_2BIG;
    place_regions(b->as);
    int err = load_images(b, &img, &start, &base);
    if (!err)
        err = map_stack(b, img.stack_exec);
    if (!err)
        err = linux_vdso_map(b->as, &vdso);
    if (!err)
        err = build_stack(b, &img, base, vdso, &sp);
    if (!err)
        err = new_private(b);
    if (err) {
        linux_abandon(b);
        return err;
    }
    tf_init(&b->frame, start, sp);
    exec_set_exe(b);
    return 0;
}

void linux_commit(struct exec_build *b)
{
    struct task *t = current_task();
    struct task_thread *tt = current_task_thread();
    struct load_private *p = b->abi_private;
    if (p->task) { // from another ABI, or the first program
        const struct abi_module *old = t->abi;
        if (old) {
            if (old->thread_free)
                old->thread_free(tt);
            if (old->free)
                old->free(t);
        }
        p->task->unkillable = t->pid == 1 && task_init_guarded();
        spin_lock(&t->lock);
        t->abi_state = p->task;
        tt->abi_state = p->thread;
        t->abi = &linux_abi;
        spin_unlock(&t->lock);
    } else {
        // Handlers are gone with the old image; what was ignored stays so.
        struct linux_task *lt = linux_task(t);
        spin_lock(&t->lock);
        for (u32 i = 1; i <= SIG_MAX; i++)
            lt->actions[i] = (struct sig_action){.handler = lt->actions[i].handler == HANDLER_IGNORE
                                                                ? HANDLER_IGNORE
                                                                : HANDLER_DEFAULT};
        t->autoreap = lt->actions[SIG_CHLD].handler == HANDLER_IGNORE;
        spin_unlock(&t->lock);
        struct linux_thread *th = linux_thread(tt);
        th->altstack.sp = th->altstack.size = th->altstack.flags = 0;
        th->restart_fn = NULL;
    }
    kfree(p);
    b->abi_private = NULL;
}
