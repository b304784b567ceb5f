// Fetching of strings and arrays for generated dispatch code. No state.
#include <kerr.h>
#include <mem/slab.h>
#include <syscall/dispatch.h>

int sys_name_get(struct sys_name *n, uaddr_t src, usize max)
{
    n->heap = NULL;
    n->str = n->inline_buf;
    i64 len = user_string(n->inline_buf, src, MIN(max, (usize)SYS_NAME_INLINE));
    if (LIKELY(len >= 0)) {
        n->len = (usize)len;
        return 0;
    }
    if (len != -E_NAMETOOLONG || max <= SYS_NAME_INLINE)
        return (int)len;
    n->heap = kmalloc(max, 0);
    if (!n->heap)
        return -E_NOMEM;
    len = user_string(n->heap, src, max);
    if (len < 0) {
        kfree(n->heap);
        n->heap = NULL;
        return (int)len;
    }
    n->str = n->heap;
    n->len = (usize)len;
    return 0;
}

void sys_name_free(struct sys_name *n)
{
    kfree(n->heap);
}

int sys_seq_new(struct sys_seq *s, usize count, usize elem, usize max)
{
    usize bytes;
    s->heap = false;
    s->ptr = s->inline_buf;
    s->bytes = 0;
    if ((max && count > max) || __builtin_mul_overflow(count, elem, &bytes))
        return -E_INVAL;
    s->bytes = bytes;
    if (bytes <= sizeof(s->inline_buf)) {
        memset(s->inline_buf, 0, bytes);
        return 0;
    }
    s->ptr = kzalloc(bytes, ALLOC_USER);
    s->heap = true;
    return s->ptr ? 0 : -E_NOMEM;
}

int sys_seq_get(struct sys_seq *s, uaddr_t src, usize count, usize elem, usize max)
{
    int err = sys_seq_new(s, count, elem, max);
    if (err || s->bytes == 0)
        return err;
    err = user_copy_in(s->ptr, src, s->bytes);
    if (err)
        sys_seq_put(s);
    return err;
}

int sys_seq_store(struct sys_seq *s, uaddr_t dst)
{
    return s->bytes ? user_copy_out(dst, s->ptr, s->bytes) : 0;
}

void sys_seq_put(struct sys_seq *s)
{
    if (s->heap)
        kfree(s->ptr);
    s->heap = false;
}
