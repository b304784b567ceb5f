// login [-f user]: asks who it is, then that user's shell from /etc/passwd (native if it can be
// found here). Passwords: the second field of the line; empty or "x" asks for none. -f asks for
// nothing (for consoles that are locked by other means).
#include <scarlet/scarlet.h>

static struct text passwd;

static char *ask(const char *what)
{
    struct reader r = {.handle = 0};
    char *line;
    usize n;
    out("%s", what);
    flush();
    if (!read_line(&r, &line, &n))
        leave(0);
    char *answer = copy_part(line, n);
    reader_free(&r);
    return answer;
}

// Fields of a user's line; the text is cut up for good.
static bool find_user(const char *name, char *fields[7])
{
    text_clear(&passwd);
    long r = read_file("/etc/passwd", &passwd);
    if (r < 0)
        r = read_file("/scarlet/etc/passwd", &passwd);
    if (r < 0)
        die("/etc/passwd: %s", status_text(r));
    for (char *s = passwd.s; s && *s;) {
        char *end = strchr(s, '\n'), *next = end ? end + 1 : NULL;
        if (end)
            *end = 0;
        int i = 0;
        for (; i < 7; i++) {
            char *colon = strchr(s, ':');
            fields[i] = s;
            if (colon)
                *colon = 0;
            else if (i < 6)
                break;
            s = colon ? colon + 1 : s + strlen(s);
        }
        if (i == 7 && strcmp(fields[0], name) == 0)
            return true;
        s = next;
    }
    return false;
}

static void hide_input(bool hide)
{
    (void)scarlet_call_control(0, SCARLET_CONTROL_TERMINAL_SET_MODE,
                               SCARLET_TERMINAL_LINES | SCARLET_TERMINAL_KEYS |
                                   SCARLET_TERMINAL_NEWLINE | (hide ? 0 : SCARLET_TERMINAL_ECHO));
}

static bool allowed(char *fields[7])
{
    if (!fields[1][0] || strcmp(fields[1], "x") == 0)
        return true;
    hide_input(true);
    char *given = ask("password: ");
    hide_input(false);
    out("\n");
    bool ok = strcmp(given, fields[1]) == 0;
    release(given);
    return ok;
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    const char *user = NULL;
    char *fields[7];
    while (next_option(&o, argc, argv, "f:", "[-f user]"))
        user = o.arg;
    (void)scarlet_call_control(0, SCARLET_CONTROL_TERMINAL_ADOPT, 0);
    hide_input(false);
    struct scarlet_system_info s;
    (void)scarlet_call_system_info(&s);
    if (user) {
        if (!find_user(user, fields))
            die("no such user: %s", user);
    } else {
        for (int tries = 0;; tries++) {
            out("%s ", s.node);
            char *name = ask("login: ");
            if (find_user(name, fields) && allowed(fields))
                break;
            release(name);
            out("login incorrect\n");
            flush();
            (void)scarlet_call_sleep(1000000000);
            if (tries == 4)
                return 1;
        }
    }
    env_set("HOME", fields[5]);
    env_set("USER", fields[0]);
    env_set("LOGNAME", fields[0]);
    if (!env_get("TERM"))
        env_set("TERM", "vt100");
    if (!env_get("PATH"))
        env_set("PATH", "/bin:/names");
    long r =
        scarlet_call_identity_set((u32)number_argument(fields[2]), (u32)number_argument(fields[3]));
    if (r < 0)
        die("%s", status_text(r));
    if (scarlet_call_change_directory(fields[5]) < 0)
        (void)scarlet_call_change_directory("/");
    char *sh[] = {"sh", NULL};
    const char *shells[] = {"/bin/sh", "/system/scarlet/bin/sh"};
    for (usize i = 0; i < ARRAY_LEN(shells); i++) {
        env_set("SHELL", shells[i]);
        r = scarlet_call_execve_abi(shells[i], sh, env, 0, "scarlet");
    }
    die("no shell: %s", status_text(r));
}
