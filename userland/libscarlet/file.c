// Files, lines, directories, trees.
#include "private.h"

long write_all(int handle, const void *p, usize n)
{
    const char *s = p;
    while (n) {
        long r = scarlet_call_write(handle, s, n);
        if (r < 0)
            return r;
        s += r;
        n -= (usize)r;
    }
    return 0;
}

bool read_line(struct reader *r, char **line, usize *len)
{
    for (usize seen = r->at;;) {
        for (; seen < r->have; seen++) {
            if (r->buf[seen] == '\n') {
                r->buf[seen] = 0;
                *line = r->buf + r->at;
                *len = seen - r->at;
                r->at = seen + 1;
                return true;
            }
        }
        if (r->end) {
            if (r->at == r->have)
                return false;
            *line = r->buf + r->at;
            *len = r->have - r->at;
            r->unfinished = true;
            r->buf[r->have] = 0;
            r->at = r->have;
            return true;
        }
        if (r->at) {
            memmove(r->buf, r->buf + r->at, r->have - r->at);
            r->have -= r->at;
            seen -= r->at;
            r->at = 0;
        }
        if (r->have + 1 >= r->cap) {
            r->cap = r->cap ? r->cap * 2 : 8192;
            r->buf = reallocate(r->buf, r->cap);
        }
        long n = scarlet_call_read(r->handle, r->buf + r->have, r->cap - r->have - 1);
        if (n <= 0) {
            r->end = true;
            r->error = n;
        } else {
            r->have += (usize)n;
        }
    }
}

void reader_free(struct reader *r)
{
    release(r->buf);
    *r = (struct reader){0};
}

long read_file(const char *path, struct text *t)
{
    char buf[4096];
    long h = scarlet_call_open(path, SCARLET_OPEN_READ, 0), n;
    if (h < 0)
        return h;
    while ((n = scarlet_call_read((int)h, buf, sizeof(buf))) > 0)
        text_add(t, buf, (usize)n);
    scarlet_call_close((int)h);
    return n;
}

int open_or_stdin(const char *path)
{
    return !path || strcmp(path, "-") == 0 ? 0 : (int)scarlet_call_open(path, SCARLET_OPEN_READ, 0);
}

int directory_next(struct directory *d)
{
    for (;;) {
        if (d->at >= d->have) {
            long n = scarlet_call_read_directory(d->handle, d->buf, sizeof(d->buf));
            if (n <= 0)
                return (int)n;
            d->at = 0;
            d->have = (usize)n;
        }
        const char *rec = d->buf + d->at;
        u16 length;
        memcpy(&d->inode, rec, 8);
        memcpy(&length, rec + 8, 2);
        d->type = (u8)rec[10];
        d->name = rec + 11;
        d->at += length;
        if (strcmp(d->name, ".") != 0 && strcmp(d->name, "..") != 0)
            return 1;
    }
}

char *join_path(const char *dir, const char *name)
{
    struct text t = {0};
    text_put(&t, dir);
    if (t.len && t.s[t.len - 1] != '/')
        text_char(&t, '/');
    text_put(&t, name);
    return t.s;
}

long remove_tree(const char *path)
{
    struct scarlet_metadata m;
    long err = scarlet_call_metadata_at(HERE, path, SCARLET_NO_FOLLOW, &m);
    if (err < 0)
        return err;
    if (m.type == SCARLET_TYPE_DIRECTORY) {
        long h = scarlet_call_open(
            path, SCARLET_OPEN_READ | SCARLET_OPEN_DIRECTORY | SCARLET_OPEN_NO_FOLLOW, 0);
        if (h < 0)
            return h;
        struct directory *d = allocate(sizeof(*d));
        struct list_of_strings names = {0};
        d->handle = (int)h;
        while (directory_next(d) > 0)
            strings_add(&names, copy_string(d->name));
        scarlet_call_close((int)h);
        release(d);
        for (usize i = 0; i < names.n; i++) {
            char *sub = join_path(path, names.v[i]);
            long e = remove_tree(sub);
            err = err ? err : e;
            release(sub);
        }
        strings_free(&names);
    }
    long e = scarlet_call_remove(path);
    return err ? err : e;
}

long copy_file(const char *from, const char *to, u32 mode)
{
    long a = scarlet_call_open(from, SCARLET_OPEN_READ, 0), r;
    if (a < 0)
        return a;
    long b = scarlet_call_open(to, SCARLET_OPEN_WRITE | SCARLET_OPEN_CREATE | SCARLET_OPEN_TRUNCATE,
                               mode);
    if (b < 0) {
        scarlet_call_close((int)a);
        return b;
    }
    while ((r = scarlet_call_transfer((int)a, (int)b, 1 << 20)) > 0)
        ;
    scarlet_call_close((int)a);
    scarlet_call_close((int)b);
    return r;
}
