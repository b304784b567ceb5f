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
    SET_FOREACH(m, abi, const struct abi_module)
    {
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

i64 scarlet_abi_probe(const struct sys_name *path, u32 index, struct scarlet_abi_opinion *opinion)
{
    struct object *file;
    struct attr attr;
    u32 best, n = 0;
    SET_FOREACH(m, abi, const struct abi_module)
    n += *m != NULL;
    if (index >= n)
        return -E_RANGE;
    int err = open_to_read(path, &file, &attr);
    if (err)
        return err;
    struct exec_score *all = kmalloc_array(n, sizeof(*all), ALLOC_USER);
    err = all ? exec_scores(file, path->str, all, n, &best) : -E_NOMEM;
    if (err >= 0) {
        strlcpy(opinion->name, all[index].abi->name, sizeof(opinion->name));
        strlcpy(opinion->why, all[index].why, sizeof(opinion->why));
        opinion->score = all[index].score;
        opinion->chosen = best == index;
    }
    kfree(all);
    object_put(file);
    return err < 0 ? err : 0;
}
