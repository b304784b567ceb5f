// Environment variables on their way from one ABI's view to another's: through the canonical form,
// in which paths are those of the base tree.
//
// Single paths and lists of paths are known by name. What configures the other's dynamic linker or
// shell is dropped; PATH starts with the new ABI's own programs and ends with the directory of
// generated names.
#include "private.h"
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>

enum { MAX_VALUE = 16384 };

static const char *const shared[] = {"/home", "/data/shared", "/tmp",  "/dev",
                                     "/proc", "/sys",         "/names"};
static const char *const paths[] = {"HOME", "PWD", "OLDPWD", "TMPDIR"};
static const char *const dropped[] = {"SHELL",      "PS1",     "PS2",        "LD_LIBRARY_PATH",
                                      "LD_PRELOAD", "MANPATH", "PYTHONPATH", "PERL5LIB"};

static bool begins_with_dir(const char *s, usize len, const char *dir)
{
    usize n = strlen(dir);
    return len >= n && !memcmp(s, dir, n) && (len == n || s[n] == '/');
}

static bool is_shared(const char *s, usize len)
{
    for (usize i = 0; i < ARRAY_LEN(shared); i++)
        if (begins_with_dir(s, len, shared[i]))
            return true;
    return false;
}

struct text { // what is being put together; cut nowhere: `full` makes the variable go
    char *buf;
    usize len, cap;
    bool full;
};

static void put(struct text *t, const char *s, usize n)
{
    if (n >= t->cap - t->len) {
        t->full = true;
        return;
    }
    memcpy(t->buf + t->len, s, n);
    t->len += n;
    t->buf[t->len] = 0;
}

static void put_string(struct text *t, const char *s)
{
    put(t, s, strlen(s));
}

static void put_path(struct text *t, const char *s, usize len)
{
    if (len)
        put(t, s, len);
    else
        put(t, "/", 1);
}

// A path of `abi`'s composed view as a path of the base tree.
static void to_base(struct text *t, const struct abi_module *abi, const char *s, usize len)
{
    if (begins_with_dir(s, len, "/scarlet")) {
        put_path(t, s + 8, len - 8);
    } else {
        if (!is_shared(s, len)) {
            put_string(t, "/system/");
            put_string(t, abi->name);
        }
        put(t, s, len);
    }
}

static void from_base(struct text *t, const struct abi_module *abi, const char *s, usize len)
{
    static const char *const trees[] = {"/system/", "/data/config/"};
    usize name = strlen(abi->name);
    for (usize i = 0; i < ARRAY_LEN(trees); i++) {
        usize n = strlen(trees[i]);
        if (len >= n + name && !memcmp(s, trees[i], n) &&
            begins_with_dir(s + n, len - n, abi->name)) {
            put_path(t, s + n + name, len - n - name);
            return;
        }
    }
    if (!is_shared(s, len))
        put_string(t, "/scarlet");
    put(t, s, len == 1 && !is_shared(s, len) ? 0 : len);
}

struct conversion {
    const struct abi_module *abi;
    bool into_base; // else out of it
    struct text t;
    bool composed; // abi has a view of its own
};

static void convert_path(struct conversion *c, const char *s, usize len)
{
    if (!c->composed || !len || s[0] != '/')
        put(&c->t, s, len);
    else if (c->into_base)
        to_base(&c->t, c->abi, s, len);
    else
        from_base(&c->t, c->abi, s, len);
}

static bool listed(const char *const *names, usize n, const char *s, usize len)
{
    for (usize i = 0; i < n; i++)
        if (strlen(names[i]) == len && !memcmp(names[i], s, len))
            return true;
    return false;
}

// Does the list, ':' between its parts, have this part?
static bool has_part(const char *list, const char *s, usize len)
{
    for (;;) {
        usize n = 0;
        while (list[n] && list[n] != ':')
            n++;
        if (n == len && !memcmp(list, s, n))
            return true;
        if (!list[n])
            return false;
        list += n + 1;
    }
}

// Each part of a list that is not in the text yet.
static void convert_list(struct conversion *c, usize start, const char *s)
{
    for (;;) {
        usize n = 0, before = c->t.len;
        while (s[n] && s[n] != ':')
            n++;
        bool first = before == start;
        if (n) {
            if (!first)
                put(&c->t, ":", 1);
            usize at = c->t.len;
            convert_path(c, s, n);
            char *part = c->t.buf + at;
            usize len = c->t.len - at;
            if (!first && !c->t.full) {
                c->t.buf[before] = 0; // compare with what stands before
                if (has_part(c->t.buf + start, part, len)) {
                    c->t.len = before;
                } else {
                    c->t.buf[before] = ':';
                }
            }
        }
        if (!s[n])
            return;
        s += n + 1;
    }
}

static int convert_one(struct conversion *c, const char *var, struct arg_block *out)
{
    const char *eq = strchr(var, '=');
    usize name = eq ? (usize)(eq - var) : strlen(var);
    if (!eq || listed(dropped, ARRAY_LEN(dropped), var, name))
        return eq ? 0 : arg_push(out, var);
    bool path = listed(paths, ARRAY_LEN(paths), var, name),
         list = name == 4 && !memcmp(var, "PATH", 4);
    if (!path && !list)
        return arg_push(out, var);
    c->t.len = 0;
    c->t.full = false;
    put(&c->t, var, name + 1);
    if (list) {
        usize start = c->t.len;
        if (!c->into_base) {
            put_string(&c->t, abi_bin_path(c->abi));
            if (c->composed)
                put_string(&c->t, ":/names");
        }
        convert_list(c, start, eq + 1);
    } else {
        convert_path(c, eq + 1, strlen(eq + 1));
    }
    return c->t.full ? 0 : arg_push(out, c->t.buf);
}

static int convert_all(struct conversion *c, const struct arg_block *in, struct arg_block *out)
{
    char *var = kmalloc(MAX_VALUE, 0);
    int err = var ? 0 : -E_NOMEM;
    usize off = 0;
    for (u32 i = 0; i < in->count && !err; i++) {
        usize size = arg_string_size(in, off);
        if (size <= MAX_VALUE) {
            arg_copy_string(in, off, var, MAX_VALUE);
            err = convert_one(c, var, out);
        } else {
            err = arg_push_part(out, in, off, size); // no path is that long
        }
        off += size;
    }
    kfree(var);
    return err;
}

static bool has_variable(const struct arg_block *b, const char *name)
{
    usize off = 0, len = strlen(name);
    char start[32];
    for (u32 i = 0; i < b->count; i++) {
        arg_copy_string(b, off, start, sizeof(start));
        if (!strncmp(start, name, len) && start[len] == '=')
            return true;
        off += arg_string_size(b, off);
    }
    return false;
}

static int fill_in(const struct abi_module *abi, bool composed, struct arg_block *out)
{
    char text[256];
    int err = 0;
    if (!has_variable(out, "PATH")) {
        strlcpy(text, "PATH=", sizeof(text));
        strlcat(text, abi_bin_path(abi), sizeof(text));
        if (composed)
            strlcat(text, ":/names", sizeof(text));
        err = arg_push(out, text);
    }
    if (!err && !has_variable(out, "HOME"))
        err = arg_push(out, "HOME=/home");
    if (!err && !has_variable(out, "TERM"))
        err = arg_push(out, "TERM=linux");
    return err;
}

int exec_convert_variables(const struct exec_build *b, bool from_composed, bool to_composed,
                           struct arg_block *out)
{
    const struct abi_module *from = current_task()->abi, *to = b->abi;
    struct arg_block middle;
    struct conversion c = {
        .abi = from, .into_base = true, .composed = from_composed, .t = {.cap = 2 * MAX_VALUE}};
    c.t.buf = kmalloc(c.t.cap, 0);
    if (!c.t.buf)
        return -E_NOMEM;
    arg_block_init(&middle, b->envp->limit);
    int err = from && from->env_to_canonical ? from->env_to_canonical(b->envp, &middle)
                                             : convert_all(&c, b->envp, &middle);
    c.abi = to;
    c.into_base = false;
    c.composed = to_composed;
    if (!err)
        err = to->env_from_canonical ? to->env_from_canonical(&middle, out)
                                     : convert_all(&c, &middle, out);
    if (!err && !to->env_from_canonical)
        err = fill_in(to, to_composed, out);
    arg_block_free(&middle);
    kfree(c.t.buf);
    return err;
}
