// Building an xv6 program aside. Memory as the teaching kernel lays it out: the file's segments
// from xv6_base upwards without a hole, one page that cannot be reached, one page of stack with the
// arguments, whose top is the first break. Segments are copied, not mapped: they may start anywhere
// in the file, and the program's memory is its own from then on.
#include "xv6.h"
#include "xv6_consts.h"
#include <lib/string.h>
#include <mem/slab.h>

struct load_private {      // charged by load; installed by commit
    struct xv6_task *task; // NULL: it is an xv6 process already
    u64 pages;
    bool is_init;
};

enum : u32 { MAY = VMA_MAYREAD | VMA_MAYWRITE | VMA_MAYEXEC };

static int map(struct aspace *as, u64 start, u64 end, u32 flags)
{
    struct map_request r = {.addr = start,
                            .len = end - start,
                            .flags = flags | MAY,
                            .how = MAP_REQ_FIXED | MAP_REQ_NOREPLACE | MAP_REQ_LOW};
    i64 at = start < end ? aspace_map(as, &r) : 0;
    return at < 0 ? (int)at : 0;
}

static int copy_segment(struct exec_build *b, const struct elf64_segment *s, u8 *page)
{
    for (u64 done = 0; done < s->filesz;) {
        u64 n = MIN(XV6_PAGE, s->filesz - done), pos = s->offset + done;
        struct iobuf buf;
        iobuf_kernel(&buf, page, n);
        i64 got = b->file->type->read(b->file, &buf, &pos);
        if (got <= 0)
            return got ? (int)got : -E_NOEXEC;
        i64 put = aspace_write(b->as, s->vaddr + done, page, (usize)got);
        if (put != got)
            return put < 0 ? (int)put : -E_NOMEM;
        done += (u64)got;
    }
    return 0;
}

static u32 protection(const struct elf64_segment *s)
{
    return VMA_READ | (s->flags & ELF_FLAG_W ? VMA_WRITE : 0u) |
           (s->flags & ELF_FLAG_X ? VMA_EXEC : 0u);
}

// Maps what one segment covers beyond `size`, the end of those before it, and fills it in. A page
// that it shares with the segment before allows what either of them does.
static int load_segment(struct exec_build *b, const struct elf64_segment *s, u64 size, u32 before,
                        u8 *page)
{
    struct aspace *as = b->as;
    u64 top = ALIGN_UP(s->vaddr + s->memsz, XV6_PAGE);
    u32 flags = protection(s);
    int err = 0;
    if (s->vaddr < size)
        err = aspace_protect(as, size - XV6_PAGE, XV6_PAGE, flags | before | VMA_WRITE);
    if (!err) // the hole below belongs to this segment
        err = map(as, size, MAX(size, top), flags | VMA_WRITE);
    if (!err)
        err = copy_segment(b, s, page);
    if (!err && s->vaddr < size && !((flags | before) & VMA_WRITE))
        err = aspace_protect(as, size - XV6_PAGE, XV6_PAGE, flags | before);
    if (!err && top > size && !(flags & VMA_WRITE))
        err = aspace_protect(as, size, top - size, flags);
    if (flags & VMA_EXEC) {
        as->start_code = s->vaddr;
        as->end_code = s->vaddr + s->filesz;
    } else {
        as->start_data = s->vaddr;
        as->end_data = s->vaddr + s->filesz;
    }
    return err;
}

// All segments; *end: end of the last, page aligned.
static int load_segments(struct exec_build *b, u64 *end)
{
    u64 base = xv6_base(arch_elf_machine()), size = base;
    u32 before = 0;
    int err = 0;
    u8 *page = page_alloc(0);
    if (!page)
        return -E_NOMEM;
    for (u32 i = 0; !err && i < b->elf.header.phnum; i++) {
        struct elf64_segment s =
            elf_segment(b->head, &b->elf, i); // in order and apart: elf_summarise saw to that
        if (s.type != ELF_SEG_LOAD || !s.memsz)
            continue;
        if (s.vaddr < base || s.vaddr + s.memsz > XV6_TOP - 2 * XV6_PAGE)
            err = -E_NOEXEC;
        if (!err)
            err = load_segment(b, &s, size, before, page);
        before = ALIGN_DOWN(s.vaddr, XV6_PAGE) + XV6_PAGE <= size ? before | protection(&s)
                                                                  : protection(&s);
        size = MAX(size, ALIGN_UP(s.vaddr + s.memsz, XV6_PAGE));
    }
    page_free(page);
    *end = size;
    return err;
}

// Strings, then the array of pointers, each 16-byte aligned, within the one page below `top`.
// -E_2BIG.
static int push_args(struct exec_build *b, u64 top, u64 *argc, u64 *argv)
{
    struct arg_block *args = b->argv;
    u64 pointers[XV6_MAXARG], sp = top, low = top - XV6_PAGE;
    if (args->count >= XV6_MAXARG)
        return -E_2BIG;
    u8 *page = page_alloc(ALLOC_ZERO);
    if (!page)
        return -E_NOMEM;
    int err = 0;
    usize off = 0;
    for (u32 i = 0; !err && i < args->count; i++) {
        usize n = arg_string_size(args, off);
        if (n > sp - low) {
            err = -E_2BIG;
            break;
        }
        sp = (sp - n) & ~15ul; // not below low, which is aligned
        arg_copy_string(args, off, (char *)page + (sp - low), n);
        pointers[i] = sp;
        off += n;
    }
    pointers[args->count] = 0;
    usize bytes = (args->count + 1ul) * 8;
    if (!err && bytes > sp - low)
        err = -E_2BIG;
    if (!err) {
        sp = (sp - bytes) & ~15ul;
        memcpy(page + (sp - low), pointers, bytes);
        if (aspace_write(b->as, sp, page + (sp - low), top - sp) != (i64)(top - sp))
            err = -E_NOMEM;
    }
    page_free(page);
    *argc = args->count;
    *argv = sp;
    // What /proc shows as command line: the name it was run by. The strings behind it lie the other
    // way round.
    b->as->arg_start = args->count ? pointers[0] : top;
    b->as->arg_end = args->count ? pointers[0] + arg_string_size(args, 0) : top;
    b->as->env_start = b->as->env_end = top;
    return err;
}

static struct xv6_env *keep_env(const struct arg_block *envp)
{
    struct xv6_env *e = kzalloc(sizeof(*e), 0);
    if (!e)
        return NULL;
    refcount_set(&e->refs, 1);
    arg_block_init(&e->block, MAX(envp->limit, envp->len));
    if (arg_append(&e->block, envp, 0)) {
        arg_block_free(&e->block);
        kfree(e);
        return NULL;
    }
    return e;
}

static bool is_init(const char *path)
{
    const char *base = strrchr(path, '/');
    return strcmp(base ? base + 1 : path, "init") == 0;
}

// Who enters from another system is let in even if the believed machine is full: the limits are for
// what xv6 programs ask for.
static int enter(struct exec_build *b, struct load_private *p)
{
    struct xv6_task *x = xv6_task_new();
    if (!x)
        return -E_NOMEM;
    p->task = x;
    x->machine = xv6_machine_get(b->view ? b->view : current_view());
    x->env = keep_env(b->envp);
    if (!x->machine || !x->env)
        return -E_NOMEM;
    atomic_fetch_add_explicit(&x->machine->processes, 1, memory_order_relaxed);
    x->counted = true;
    atomic_fetch_add_explicit(&x->machine->pages, (i64)p->pages, memory_order_relaxed);
    x->pages = p->pages;
    x->is_init = is_init(b->filename);
    return 0;
}

static int make_private(struct exec_build *b, u64 pages)
{
    struct load_private *p = kzalloc(sizeof(*p), 0);
    if (!p)
        return -E_NOMEM;
    b->abi_private = p;
    if (current_task()->abi != &xv6_abi) {
        p->pages = pages;
        return enter(b, p);
    }
    int err = xv6_charge_pages(current_xv6()->machine, pages);
    if (!err)
        p->pages = pages;
    return err;
}

void xv6_abandon(struct exec_build *b)
{
    struct load_private *p = b->abi_private;
    if (!p)
        return;
    if (p->task)
        xv6_task_delete(p->task);
    else if (current_task()->abi == &xv6_abi)
        atomic_fetch_sub_explicit(&current_xv6()->machine->pages, (i64)p->pages,
                                  memory_order_relaxed);
    kfree(p);
    b->abi_private = NULL;
}

int xv6_load(struct exec_build *b)
{
    u64 end, argc, argv;
    if (!b->elf.head_has_segments)
        return -E_NOEXEC;
    int err = load_segments(b, &end);
    u64 top = err ? 0 : end + 2 * XV6_PAGE;
    if (!err)
        err = map(b->as, end, end + XV6_PAGE, 0);
    if (!err)
        err = map(b->as, end + XV6_PAGE, top, VMA_READ | VMA_WRITE);
    if (!err)
        err = push_args(b, top, &argc, &argv);
    if (!err)
        err = xv6_first_frame(b, argc, argv, top - XV6_PAGE);
    if (!err)
        err = make_private(b, (top - xv6_base(arch_elf_machine())) / XV6_PAGE);
    if (err) {
        xv6_abandon(b);
        return err;
    }
    arch_sync_icache(&b->as->arch);
    b->as->brk_start = b->as->brk = b->as->stack_top = top;
    exec_set_exe(b);
    return 0;
}

void xv6_commit(struct exec_build *b)
{
    struct task *t = current_task();
    struct task_thread *tt = current_task_thread();
    struct load_private *p = b->abi_private;
    if (p->task) {
        const struct abi_module *old = t->abi;
        if (old) {
            if (old->thread_free)
                old->thread_free(tt);
            if (old->free)
                old->free(t);
        }
        spin_lock(&t->lock);
        t->abi_state = p->task;
        tt->abi_state = NULL;
        t->abi = &xv6_abi;
        t->autoreap = false;
        spin_unlock(&t->lock);
        if (p->task->is_init)
            t->subreaper = true;
    } else {
        struct xv6_task *x = current_xv6();
        atomic_fetch_sub_explicit(&x->machine->pages, (i64)x->pages, memory_order_relaxed);
        x->pages = p->pages;
        x->part.left = 0;
        x->stub = 0;
    }
    kfree(p);
    b->abi_private = NULL;
}
