// Asking the ABI modules whose file this is.
#include "private.h"
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>

static usize read_more(void *ctx, u64 off, void *dst, usize n)
{
    struct object *file = ctx;
    usize done = 0;
    while (done < n) {
        struct iobuf buf;
        u64 pos = off + done;
        iobuf_kernel(&buf, (u8 *)dst + done, n - done);
        i64 got = file->type->read(file, &buf, &pos);
        if (got <= 0)
            break;
        done += (usize)got;
    }
    return done;
}

void exec_probe_input(struct exec_probe *p, struct object *file, const u8 *head, usize len,
                      u64 size, const char *path)
{
    struct task *t = current_task();
    *p = (struct exec_probe){.head = head,
                             .head_len = len,
                             .size = size,
                             .path = path,
                             .caller = t && t->abi ? t->abi->name : NULL,
                             .machine = arch_elf_machine(),
                             .read = read_more,
                             .ctx = file};
}

const struct abi_module *exec_detect(const struct exec_probe *p, const char *wanted)
{
    const struct abi_module *best = NULL;
    struct probe_verdict most = {0};
    SET_FOREACH(m, abi, const struct abi_module)
    {
        if (wanted && abi_find(wanted, strlen(wanted)) != *m)
            continue;
        struct probe_verdict v = {(*m)->probe(p, NULL, 0), (*m)->order};
        if (probe_better(v, most)) {
            best = *m;
            most = v;
        }
    }
    return best;
}

int exec_read_head(struct object *file, u8 *head, usize *len)
{
    struct iobuf buf;
    u64 pos = 0;
    iobuf_kernel(&buf, head, PAGE_SIZE);
    i64 got = file->type->read ? file->type->read(file, &buf, &pos) : -E_NOEXEC;
    if (got < 0)
        return (int)got;
    *len = (usize)got;
    return 0;
}

int exec_scores(struct object *file, const char *path, struct exec_score *out, u32 cap, u32 *best)
{
    struct exec_probe p;
    struct attr a;
    usize len;
    u32 n = 0;
    u8 *head = page_alloc(0);
    if (!head)
        return -E_NOMEM;
    int err = exec_check_file(file, &a);
    if (!err)
        err = exec_read_head(file, head, &len);
    if (err) {
        page_free(head);
        return err;
    }
    exec_probe_input(&p, file, head, len, a.size, path);
    char assigned[32];
    const struct abi_module *chosen =
        exec_detect(&p, exec_assigned_abi(file, assigned, sizeof(assigned)) ? assigned : NULL);
    *best = UINT32_MAX;
    SET_FOREACH(m, abi, const struct abi_module)
    {
        if (n < cap) {
            out[n] = (struct exec_score){.abi = *m};
            out[n].score = (*m)->probe(&p, out[n].why, sizeof(out[n].why));
            if (*m == chosen)
                *best = n;
        }
        n++;
    }
    page_free(head);
    return (int)n;
}
