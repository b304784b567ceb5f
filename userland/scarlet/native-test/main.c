// native-test [part]: runs all parts, or one, or says what a child of itself was asked for.
#include "check.h"

int failures;

void check_at(bool ok, const char *what, const char *file, int line)
{
    if (ok)
        return;
    failures++;
    out("FAILED %s:%d: %s\n", base_name(file), line, what);
    flush();
}

// As a child: which slots are open, one character each.
static int show_slots(void)
{
    struct scarlet_handle_info h;
    for (int i = 0; i < 12; i++)
        out("%c",
            scarlet_call_query(i, &h) == 0 ? (h.rights & SCARLET_RIGHT_WRITE ? 'w' : 'r') : '-');
    out("\n");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } parts[] = {
        {"rights", rights_parts}, {"ipc", ipc_parts},     {"task", task_parts},
        {"file", file_parts},     {"world", world_parts}, {"socket", socket_parts},
        {"many", many_parts},     {"watch", watch_parts}, {"fuzz", fuzz_parts},
    };
    static const struct {
        const char *name;
        int (*fn)(void);
    } asked[] = {{"slots", show_slots},
                 {"box", look_around_box},
                 {"rebuild", rebuild},
                 {"rebuilt", rebuilt},
                 {"names", names_in_base},
                 {"zones", count_zones},
                 {"count", count_in_shared_memory}};
    for (usize i = 0; argc > 1 && i < ARRAY_LEN(asked); i++)
        if (strcmp(argv[1], asked[i].name) == 0)
            return asked[i].fn();
    if (argc > 3 && strcmp(argv[1], "fuzz") == 0)
        return fuzz((u64)number_argument(argv[2]), (u64)number_argument(argv[3]));
    if (argc > 1 && strcmp(argv[1], "sleep") == 0)
        return (int)scarlet_call_sleep(FOREVER);
    if (argc > 2 && strcmp(argv[1], "exit") == 0)
        return (int)number_argument(argv[2]);
    if (argc > 1 && strcmp(argv[1], "env") == 0)
        return env_get("MARK") && strcmp(env_get("MARK"), "yes") == 0 ? 0 : 1;
    self = (const char *)auxv_get(31);
    for (usize i = 0; i < ARRAY_LEN(parts); i++) {
        if (argc > 1 && strcmp(argv[1], parts[i].name) != 0)
            continue;
        int before = failures;
        parts[i].fn();
        out("%s %s\n", failures == before ? "ok" : "FAILED", parts[i].name);
        flush();
    }
    return failures != 0;
}
