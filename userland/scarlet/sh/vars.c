// Variables, and the scopes of functions. Exported ones live in the environment too.
#include "sh.h"

struct var {
    struct var *next;
    char *name, *value;
    bool exported, readonly;
};
struct saved {
    struct saved *next;
    char *name, *value; // value NULL: was not set
};
struct scope {
    struct scope *outer;
    struct saved *saved;
};
static struct var *vars;
static struct scope *scopes;

char **params;
int nparams;
const char *shell_name = "sh";
int last_status, last_background, shell_task;

static struct var *find(const char *name)
{
    for (struct var *v = vars; v; v = v->next)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

bool var_is_name(const char *s, usize n)
{
    for (usize i = 0; i < n; i++)
        if (!(s[i] == '_' || (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
              (i && s[i] >= '0' && s[i] <= '9')))
            return false;
    return n > 0;
}

const char *var_get(const char *name)
{
    struct var *v = find(name);
    return v ? v->value : env_get(name);
}

void var_set(const char *name, const char *value)
{
    struct var *v = find(name);
    bool exported = v ? v->exported : env_get(name) != NULL;
    if (exported)
        env_set(name, value);
    if (!value) {
        for (struct var **p = &vars; *p; p = &(*p)->next)
            if (*p == v) {
                *p = v->next;
                release(v->name);
                release(v->value);
                release(v);
                break;
            }
        return;
    }
    if (!v) {
        v = allocate(sizeof(*v));
        v->name = copy_string(name);
        v->next = vars;
        vars = v;
    }
    char *old = v->value;
    v->value = copy_string(value);
    v->exported = exported;
    release(old);
}

bool var_assign(const char *name, const char *value)
{
    struct var *v = find(name);
    if (v && v->readonly) {
        say("%s: is readonly", name);
        return false;
    }
    var_set(name, value);
    return true;
}

void var_readonly(const char *name)
{
    const char *value = var_get(name);
    char *copy = copy_string(value ? value : "");
    var_set(name, copy);
    find(name)->readonly = true;
    release(copy);
}

void var_export(const char *name)
{
    const char *value = var_get(name);
    if (!value)
        var_set(name, value = "");
    char *copy = copy_string(value);
    env_set(name, copy);
    var_set(name, copy);
    release(copy);
}

void vars_show(bool exported_only)
{
    if (exported_only)
        for (char **e = env; *e; e++)
            out("export %s\n", *e);
    else
        for (struct var *v = vars; v; v = v->next)
            out("%s=%s\n", v->name, v->value);
    flush();
}

void scope_enter(void)
{
    struct scope *s = allocate(sizeof(*s));
    s->outer = scopes;
    scopes = s;
}

void scope_local(const char *name)
{
    if (!scopes)
        return;
    struct saved *s = allocate(sizeof(*s));
    const char *v = var_get(name);
    s->name = copy_string(name);
    s->value = v ? copy_string(v) : NULL;
    s->next = scopes->saved;
    scopes->saved = s;
}

void scope_leave(void)
{
    struct scope *s = scopes;
    scopes = s->outer;
    while (s->saved) {
        struct saved *v = s->saved;
        s->saved = v->next;
        var_set(v->name, v->value);
        release(v->name);
        release(v->value);
        release(v);
    }
    release(s);
}
