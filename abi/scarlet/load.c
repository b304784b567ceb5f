// Building a native program aside: segments, interpreter, stack, first registers; and the private
// state that commit installs.
//
// Start: a0 = argc, a1 = argv. On the stack from a1 up: argv and its null, envp and its null, the
// auxiliary vector; strings above.
#include "scarlet.h"
#include <device/clock_page.h>
#include <device/random.h>
#include <exec/environment.h>
#include <exec/exec.h>
#include <lib/string.h>
#include <mem/slab.h>

enum : u64 { // keys as in the System V ABI; those from 0x5300 on are ours
    AUX_NULL = 0,
    AUX_PHDR = 3,
    AUX_PHENT = 4,
    AUX_PHNUM = 5,
    AUX_PAGESZ = 6,
    AUX_BASE = 7,
    AUX_ENTRY = 9,
    AUX_UID = 11,
    AUX_EUID = 12,
    AUX_GID = 13,
    AUX_EGID = 14,
    AUX_SECURE = 23,
    AUX_RANDOM = 25,
    AUX_EXECFN = 31,
    AUX_ROLES = 0x5300 /* roles of handles 0, 1, 2: a byte each */,
    AUX_CLOCK = 0x5301 /* struct scarlet_clock_page */,
};
enum : u64 {
    PROGRAM_BASE = 0x10000,
    INTERPRETER_BASE = 1ul << 30,
    STACK_GAP = 256ul << 20,
    RANDOM_PAGES = 0x3fff,
    BRK_RANDOM_PAGES = 0x1fff,
    MAX_STRINGS = 6ul << 20,
};

struct load_private {          // allocated by load
    struct scarlet_task *task; // installed by commit; both NULL if the task is native already
    struct scarlet_thread *thread;
    char name[PATH_MAX_LEN]; // what the program is called in the view that it will have
};

static u64 random_below(u64 n)
{
    return random_u64() % n;
}

static void place_regions(struct aspace *as)
{
    u64 top = arch_user_top() - PAGE_SIZE;
    as->stack_limit = task_limit_soft(LIMIT_STACK);
    as->as_limit = task_limit_soft(LIMIT_AS);
    as->data_limit = task_limit_soft(LIMIT_DATA);
    u64 gap = MIN(MAX(as->stack_limit, STACK_GAP), top / 2);
    as->stack_top = top - (random_below(RANDOM_PAGES) << PAGE_SHIFT);
    as->mmap_base = ALIGN_DOWN(top - gap - (RANDOM_PAGES << PAGE_SHIFT) -
                                   (random_below(RANDOM_PAGES) << PAGE_SHIFT),
                               PAGE_SIZE);
}

static int map_stack(struct exec_build *b)
{
    u64 strings = b->argv->len + b->envp->len + (b->argv->count + b->envp->count + 64ul) * 8;
    u64 size = MAX(128ul << 10, ALIGN_UP(strings + 2 * PAGE_SIZE, PAGE_SIZE));
    struct map_request r = {.addr = b->as->stack_top - size,
                            .len = size,
                            .flags = VMA_READ | VMA_WRITE | VMA_MAYREAD | VMA_MAYWRITE | VMA_STACK,
                            .how = MAP_REQ_FIXED | MAP_REQ_NOREPLACE,
                            .label = "[stack]"};
    i64 at = aspace_map(b->as, &r);
    return at < 0 ? (int)at : 0;
}

static int load_interpreter(struct exec_build *b, struct elf_image *main, u64 *start, u64 *base)
{
    struct object *file;
    struct attr attr;
    struct elf_image interp;
    int err = exec_open_for(b, main->interp, &file, &attr);
    if (err)
        return err;
    err = elf_load(b, file, INTERPRETER_BASE + (random_below(RANDOM_PAGES) << PAGE_SHIFT), &interp);
    if (!err && interp.interp)
        err = -E_LIBBAD;
    kfree(interp.interp);
    object_put(file);
    *start = interp.entry;
    *base = interp.bias;
    return err;
}

static int load_images(struct exec_build *b, struct elf_image *main, u64 *start, u64 *base)
{
    u64 where =
        b->elf.type == ELF_TYPE_DYN ? PROGRAM_BASE + (random_below(RANDOM_PAGES) << PAGE_SHIFT) : 0;
    int err = elf_load(b, b->file, where, main);
    if (err)
        return err;
    *start = main->entry;
    *base = 0;
    if (main->interp) {
        err = load_interpreter(b, main, start, base);
        kfree(main->interp);
        main->interp = NULL;
    }
    struct aspace *as = b->as;
    as->brk_start = as->brk =
        ALIGN_UP(main->brk, PAGE_SIZE) + (random_below(BRK_RANDOM_PAGES) << PAGE_SHIFT);
    as->start_code = main->code_start;
    as->end_code = main->code_end;
    as->start_data = main->data_start;
    as->end_data = main->data_end;
    return err;
}

// Roles of the first three handles, a byte each: what set_role said, else what their numbers say.
static u64 initial_roles(void)
{
    u64 roles = 0;
    for (i32 i = 0; i < 3; i++) {
        int f = handle_get_flags(current_handles(), i);
        u64 role = f < 0                         ? 0xff
                   : (u32)f >> HANDLE_ROLE_SHIFT ? (u32)f >> HANDLE_ROLE_SHIFT & 0xff
                                                 : (u64)SCARLET_ROLE_STDIN + (u64)i;
        roles |= role << (8 * i);
    }
    return roles;
}

static_assert(sizeof(struct clock_page) == sizeof(struct scarlet_clock_page) &&
              offsetof(struct clock_page, base) == offsetof(struct scarlet_clock_page, base) &&
              offsetof(struct clock_page, mult) == offsetof(struct scarlet_clock_page, mult) &&
              offsetof(struct clock_page, realtime_offset) ==
                  offsetof(struct scarlet_clock_page, realtime_offset));

static usize fill_auxv(u64 *aux, struct exec_build *b, const struct elf_image *img, u64 base,
                       u64 random, u64 name, u64 clock)
{
    const u64 pairs[][2] = {
        {AUX_PAGESZ, PAGE_SIZE},
        {AUX_PHDR, img->phdr},
        {AUX_PHENT, sizeof(struct elf64_segment)},
        {AUX_PHNUM, img->phnum},
        {AUX_BASE, base},
        {AUX_ENTRY, img->entry},
        {AUX_UID, b->cred->uid},
        {AUX_EUID, b->cred->euid},
        {AUX_GID, b->cred->gid},
        {AUX_EGID, b->cred->egid},
        {AUX_SECURE, b->secure},
        {AUX_RANDOM, random},
        {AUX_EXECFN, name},
        {AUX_ROLES, initial_roles()},
        {AUX_CLOCK, clock},
        {AUX_NULL, 0},
    };
    memcpy(aux, pairs, sizeof(pairs));
    return sizeof(pairs) / 8;
}

static void put_pointers(const struct arg_block *args, u64 strings, u64 *out)
{
    usize off = 0;
    for (u32 i = 0; i < args->count; i++) {
        out[i] = strings + off;
        off += arg_string_size(args, off);
    }
    out[args->count] = 0;
}

// A caller of another ABI named the file as it sees it.
static const char *name_in_view(struct exec_build *b, struct load_private *p)
{
    const struct path *place = object_path(b->file);
    if (!b->view || !place ||
        environment_translate(environment_current(), current_view(), current_task()->abi, b->view,
                              &scarlet_abi, place, p->name, sizeof(p->name)))
        return b->filename;
    return p->name;
}

static int build_stack(struct exec_build *b, const struct elf_image *img, u64 start, u64 base)
{
    struct aspace *as = b->as;
    const char *file_name = name_in_view(b, b->abi_private);
    usize name_len = strlen(file_name) + 1;
    u64 name = as->stack_top - 16 - name_len, env = name - b->envp->len, arg = env - b->argv->len;
    u64 random = (arg & ~15ul) - 16, clock;
    u8 seed[16];
    u64 aux[48];
    int err = clock_page_map(as, &clock);
    if (err)
        return err;
    random_bytes(seed, sizeof(seed));
    usize naux = fill_auxv(aux, b, img, base, random, name, clock);
    usize words = b->argv->count + 1 + b->envp->count + 1 + naux;
    u64 sp = (random - words * 8) & ~15ul;
    u64 *block = kmalloc(words * 8, 0);
    if (!block)
        return -E_NOMEM;
    put_pointers(b->argv, arg, block);
    put_pointers(b->envp, env, block + b->argv->count + 1);
    memcpy(block + words - naux, aux, naux * 8);
    memcpy(as->auxv, aux, naux * 8);
    as->auxv_len = (u32)(naux * 8);
    err = arg_write(b->argv, as, arg);
    if (!err)
        err = arg_write(b->envp, as, env);
    if (!err && (aspace_write(as, name, file_name, name_len) != (i64)name_len ||
                 aspace_write(as, random, seed, 16) != 16 ||
                 aspace_write(as, sp, block, words * 8) != (i64)(words * 8)))
        err = -E_NOMEM;
    kfree(block);
    as->arg_start = arg;
    as->arg_end = as->env_start = env;
    as->env_end = name;
    tf_init(&b->frame, start, sp);
    tf_args(&b->frame)[0] = b->argv->count;
    tf_args(&b->frame)[1] = sp;
    return err;
}

static int new_private(struct exec_build *b)
{
    struct load_private *p = kzalloc(sizeof(*p), 0);
    if (!p)
        return -E_NOMEM;
    b->abi_private = p;
    if (current_task()->abi == &scarlet_abi)
        return 0;
    p->task = scarlet_task_new();
    p->thread = scarlet_thread_new();
    return p->task && p->thread ? 0 : -E_NOMEM;
}

void scarlet_abandon(struct exec_build *b)
{
    struct load_private *p = b->abi_private;
    if (!p)
        return;
    scarlet_task_delete(p->task);
    scarlet_thread_delete(p->thread);
    kfree(p);
    b->abi_private = NULL;
}

int scarlet_load(struct exec_build *b)
{
    struct elf_image img;
    u64 start, base;
    if (b->argv->len + b->envp->len > MIN(MAX_STRINGS, task_limit_soft(LIMIT_STACK) / 4))
        return -E_2BIG;
    place_regions(b->as);
    int err = new_private(b);
    if (!err)
        err = load_images(b, &img, &start, &base);
    if (!err)
        err = map_stack(b);
    if (!err)
        err = build_stack(b, &img, start, base);
    if (err) {
        scarlet_abandon(b);
        return err;
    }
    exec_set_exe(b);
    return 0;
}

void scarlet_commit(struct exec_build *b)
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
        p->task->unkillable = t->pid == 1;
        spin_lock(&t->lock);
        t->abi_state = p->task;
        tt->abi_state = p->thread;
        t->abi = &scarlet_abi;
        t->autoreap = false;
        spin_unlock(&t->lock);
    } else { // handlers are gone with the old image
        spin_lock(&t->lock);
        scarlet_task(t)->handled = 0;
        scarlet_task(t)->entry = scarlet_task(t)->stack_top = 0;
        spin_unlock(&t->lock);
        atomic_store(&scarlet_thread(tt)->blocked, 0);
        thread_set_work(tt->thread,
                        WORK_EVENT); // what was held back is looked at before the program starts
    }
    kfree(p);
    b->abi_private = NULL;
}
