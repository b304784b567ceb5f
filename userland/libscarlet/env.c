// Environment variables and what the kernel says at the start.
#include "private.h"

char **env;
const u64 *auxv;
static bool own; // env is ours and may be freed

const char *env_get(const char *name)
{
    usize n = strlen(name);
    for (char **e = env; *e; e++)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

void env_set(const char *name, const char *value)
{
    struct list_of_strings l = {0};
    usize n = strlen(name);
    for (char **e = env; *e; e++) {
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=') {
            if (own)
                release(*e);
        } else {
            strings_add(&l, own ? *e : copy_string(*e));
        }
    }
    if (value) {
        struct text t = {0};
        text_format(&t, "%s=%s", name, value);
        strings_add(&l, t.s);
    }
    if (own)
        release(env);
    if (!l.v)
        l.v = allocate(sizeof(char *));
    env = l.v;
    own = true;
}

u64 auxv_get(u64 key)
{
    for (const u64 *a = auxv; a[0]; a += 2)
        if (a[0] == key)
            return a[1];
    return 0;
}
