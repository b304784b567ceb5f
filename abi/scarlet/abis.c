// What the kernel knows of ABIs: the list, and what each says of a file.
#include "scarlet.h"
#include "scarlet_handlers.h"
#include <exec/exec.h>
#include <lib/string.h>
#include <mem/slab.h>

static int count_tasks(struct task *t, void *arg)
{
    struct scarlet_abi_info *info = arg;
    spin_lock(&t->lock);
    if (t->abi && strcmp(t->abi->name, info->name) == 0)
        info->tasks++;
    spin_unlock(&t->lock);
    return 0;
}

i64 scarlet_abi_list(u32 index, struct scarlet_abi_info *info)
{
    SET_FOREACH (m, abi, const struct abi_module) {
        if (index-- > 0)
            continue;
        strlcpy(info->name, (*m)->name, sizeof(info->name));
        info->order = (*m)->order;
        (void)task_for_each(0, count_tasks, info);
        return 0;
    }
    return -E_RANGE;
}

static int open_to_read(const struct sys_name *path, struct object **out, struct attr *attr)
{
    struct path base = BASE_CWD;
    struct open_request r = {.access = FILE_READ};
    u32 rights;
    int err = vfs_open(&base, pathname_of(path), &r, out, &rights);
    if (err)
        return err;
    err = object_getattr(*out, attr);
    if (!err && (attr->mode & MODE_FMT) != MODE_REG)
        err = -E_ACCES;
    if (err)
        object_put(*out);
    return err;
}

// The winner as exec would choose it, and the opinion asked for.
static int judge(const struct exec_probe *p, u32 index, struct scarlet_abi_opinion *out)
{
    const struct abi_module *best = NULL, *asked = NULL;
    int best_score = 0;
    u32 i = 0;
    SET_FOREACH (m, abi, const struct abi_module) {
        bool this = i++ == index;
        int score = (*m)->probe(p, this ? out->why : NULL, this ? sizeof(out->why) : 0);
        if (score > best_score || (score == best_score && score > 0 && (*m)->order < best->order)) {
            best = *m;
            best_score = score;
        }
        if (this) {
            asked = *m;
            out->score = score;
            strlcpy(out->name, (*m)->name, sizeof(out->name));
        }
    }
    out->chosen = asked && asked == best;
    return asked ? 0 : -E_RANGE;
}

i64 scarlet_abi_probe(const struct sys_name *path, u32 index, struct scarlet_abi_opinion *opinion)
{
    struct object *file;
    struct attr attr;
    int err = open_to_read(path, &file, &attr);
    if (err)
        return err;
    u8 *head = page_alloc(0);
    struct iobuf buf;
    u64 pos = 0;
    i64 got = -E_NOMEM;
    if (head) {
        iobuf_kernel(&buf, head, PAGE_SIZE);
        got = object_read(file, &buf, &pos);
    }
    if (got >= 0) {
        struct exec_probe p = {.head = head,
                               .head_len = (usize)got,
                               .size = attr.size,
                               .path = path->str,
                               .caller = scarlet_abi.name,
                               .machine = arch_elf_machine()};
        err = judge(&p, index, opinion);
    } else {
        err = (int)got;
    }
    if (head)
        page_free(head);
    object_put(file);
    return err;
}
