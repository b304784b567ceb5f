// login [-f user]: asks who it is, then that user's shell (native if it can be found here).
// Passwords are those of /etc/shadow where /etc/passwd has "x": "$6$" hashes; an empty field asks
// for none, anything else lets nobody in. -f asks for nothing (for consoles that are locked by
// other means).
#include "sha512.h"

enum { PASSWD_FIELDS = 7, SHADOW_FIELDS = 9, TRIES = 5 };

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

// Fields of a user's line of a file below /etc; the text is cut up for good. False: no such line.
static bool find_line(const char *file, const char *name, int count, char *fields[])
{
    struct text t = {0}, path = {0}; // fields point into it
    text_format(&path, "/scarlet%s", file);
    if (read_file(file, &t) < 0 && read_file(path.s, &t) < 0)
        return false;
    text_free(&path);
    for (char *s = t.s; s && *s;) {
        char *end = strchr(s, '\n'), *next = end ? end + 1 : NULL;
        if (end)
            *end = 0;
        int i = 0;
        for (; i < count; i++) {
            char *colon = strchr(s, ':');
            fields[i] = s;
            if (colon)
                *colon = 0;
            else if (i < count - 1)
                break;
            s = colon ? colon + 1 : s + strlen(s);
        }
        if (i == count && strcmp(fields[0], name) == 0)
            return true;
        s = next;
    }
    text_free(&t);
    return false;
}

static void hide_input(bool hide)
{
    (void)scarlet_call_control(0, SCARLET_CONTROL_TERMINAL_SET_MODE,
                               SCARLET_TERMINAL_LINES | SCARLET_TERMINAL_KEYS |
                                   SCARLET_TERMINAL_NEWLINE | (hide ? 0 : SCARLET_TERMINAL_ECHO));
}

// The password is asked for in any case but one, also if there is no such user.
static bool allowed(const char *name, char *fields[], bool known)
{
    char *shadow[SHADOW_FIELDS];
    const char *hash = known ? fields[1] : "*";
    if (strcmp(hash, "x") == 0)
        hash = find_line("/etc/shadow", name, SHADOW_FIELDS, shadow) ? shadow[1] : "*";
    if (!*hash)
        return true;
    hide_input(true);
    char *given = ask("password: ");
    hide_input(false);
    out("\n");
    bool ok = password_fits(given, hash);
    memset(given, 0, strlen(given));
    release(given);
    return ok;
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    const char *user = NULL;
    char *fields[PASSWD_FIELDS];
    while (next_option(&o, argc, argv, "f:", "[-f user]"))
        user = o.arg;
    (void)scarlet_call_control(0, SCARLET_CONTROL_TERMINAL_ADOPT, 0);
    hide_input(false);
    struct scarlet_system_info s;
    (void)scarlet_call_system_info(&s);
    if (user) {
        if (!find_line("/etc/passwd", user, PASSWD_FIELDS, fields))
            die("no such user: %s", user);
    } else {
        for (int tries = 0;; tries++) {
            out("%s ", s.node);
            char *name = ask("login: ");
            bool known = find_line("/etc/passwd", name, PASSWD_FIELDS, fields);
            if (*name && allowed(name, fields, known) && known)
                break;
            release(name);
            out("login incorrect\n");
            flush();
            (void)scarlet_call_sleep(1000000000);
            if (tries == TRIES - 1)
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
