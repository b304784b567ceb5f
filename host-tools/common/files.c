// See files.h.
#include "files.h"
#include "fail.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool write_all(int fd, const void *data, size_t n)
{
    const char *at = data;
    while (n) {
        ssize_t w = write(fd, at, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return failed_errno("write");
        at += w;
        n -= (size_t)w;
    }
    return true;
}

ssize_t read_some(int fd, void *data, size_t n)
{
    ssize_t r;
    do
        r = read(fd, data, n);
    while (r < 0 && errno == EINTR);
    return r;
}

bool read_exactly(int fd, void *data, size_t n, uint64_t offset)
{
    char *at = data;
    while (n) {
        ssize_t r = pread(fd, at, n, (off_t)offset);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return failed_errno("read");
        if (r == 0)
            return failed(EXIT_INPUT, "the file ends at offset %llu", (unsigned long long)offset);
        at += r;
        offset += (uint64_t)r;
        n -= (size_t)r;
    }
    return true;
}

bool output_open(struct output *o, const char *path)
{
    *o = (struct output){.fd = STDOUT_FILENO};
    if (strcmp(path, "-") == 0)
        return true;
    o->path = path;
    struct stat info;
    if (stat(path, &info) == 0 &&
        !S_ISREG(info.st_mode)) { // a device or pipe is written where it is
        o->fd = open(path, O_WRONLY | O_CLOEXEC);
        return o->fd >= 0 || failed_errno("%s", path);
    }
    o->part = need_text("%s.part-%d", path, (int)getpid());
    o->fd = open(o->part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (o->fd < 0) {
        free(o->part);
        o->part = NULL;
        return failed_errno("%s", path);
    }
    return true;
}

bool output_commit(struct output *o)
{
    if (o->path && close(o->fd) != 0) {
        failed_errno("%s", o->path);
        o->fd = -1;
        output_abandon(o);
        return false;
    }
    o->fd = -1;
    if (o->part && rename(o->part, o->path) != 0) {
        failed_errno("%s", o->path);
        output_abandon(o);
        return false;
    }
    free(o->part);
    o->part = NULL;
    return true;
}

void output_abandon(struct output *o)
{
    if (o->path && o->fd >= 0)
        close(o->fd);
    if (o->part)
        unlink(o->part);
    free(o->part);
    o->part = NULL;
    o->fd = -1;
}

int temporary_file(void)
{
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder)
        folder = "/tmp";
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        char *name = need_text("%s/scarlet-XXXXXX", folder);
        fd = mkostemp(name, O_CLOEXEC);
        if (fd >= 0)
            unlink(name);
        else
            failed_errno("temporary file in %s", folder);
        free(name);
    }
    return fd;
}

bool make_directories(const char *path)
{
    char *copy = need_copy(path);
    bool ok = true;
    for (char *p = copy + 1; ok; p++) {
        char c = *p;
        if (c != '/' && c)
            continue;
        *p = 0;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            ok = failed_errno("%s", copy);
        *p = c;
        if (!c)
            break;
    }
    free(copy);
    return ok;
}

static char *collect(int fd)
{
    size_t have = 0, room = 4096;
    char *text = need(room);
    for (;;) {
        if (have + 1 == room)
            text = need_again(text, room *= 2);
        ssize_t r = read_some(fd, text + have, room - have - 1);
        if (r <= 0)
            break;
        have += (size_t)r;
    }
    text[have] = 0;
    return text;
}

static void last_line(char *text)
{
    size_t n = strlen(text);
    while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
        text[--n] = 0;
    char *nl = strrchr(text, '\n');
    if (nl)
        memmove(text, nl + 1, strlen(nl + 1) + 1);
}

[[noreturn]] static void child(const struct spawn *what, int in, int out, int err)
{
    dup2(in, STDIN_FILENO);
    if (out >= 0)
        dup2(out, STDOUT_FILENO);
    if (err >= 0)
        dup2(err, STDERR_FILENO);
    if (what->directory && chdir(what->directory) != 0)
        _exit(126);
    for (const char *const *e = what->env; e && *e; e++)
        putenv((char *)(uintptr_t)*e);
    signal(SIGPIPE, SIG_DFL);
    execvp(what->argv[0], (char **)(uintptr_t)what->argv);
    _exit(errno == ENOENT ? 127 : 126);
}

static int input_file(const char *text)
{
    if (!text)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = temporary_file();
    if (fd >= 0 && (!write_all(fd, text, strlen(text)) || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool spawn(const struct spawn *what, char **out)
{
    int pipe_fd[2] = {-1, -1}, in = input_file(what->input), err = -1;
    if (in < 0)
        return failed_errno("standard input of %s", what->argv[0]);
    if (what->quiet && (err = temporary_file()) < 0)
        goto lost;
    if (out && pipe2(pipe_fd, O_CLOEXEC) != 0) {
        failed_errno("pipe");
        goto lost;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        failed_errno("fork");
        goto lost;
    }
    if (pid == 0)
        child(what, in, out ? pipe_fd[1] : what->to_fd, err);
    close(in);
    char *text = NULL;
    if (out) {
        close(pipe_fd[1]);
        text = collect(pipe_fd[0]);
        close(pipe_fd[0]);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!ok) {
        char *why = NULL;
        if (err >= 0 && lseek(err, 0, SEEK_SET) == 0) {
            why = collect(err);
            last_line(why);
        }
        if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
            failed(EXIT_SYSTEM, "%s: there is no such program", what->argv[0]);
        else if (WIFSIGNALED(status))
            failed(EXIT_SYSTEM, "%s: ended by signal %d", what->argv[0], WTERMSIG(status));
        else
            failed(EXIT_SYSTEM, "%s: ended with status %d%s%s", what->argv[0], WEXITSTATUS(status),
                   why && *why ? ": " : "", why ? why : "");
        free(why);
        free(text);
        text = NULL;
    }
    if (err >= 0)
        close(err);
    if (out)
        *out = text;
    return ok;
lost:
    close(in);
    if (err >= 0)
        close(err);
    for (int i = 0; i < 2; i++)
        if (pipe_fd[i] >= 0)
            close(pipe_fd[i]);
    return false;
}

bool program_exists(const char *name)
{
    const char *path = getenv("PATH");
    if (strchr(name, '/'))
        return access(name, X_OK) == 0;
    char *copy = need_text("%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");
    bool found = false;
    char *rest = copy;
    for (char *dir; !found && (dir = strsep(&rest, ":"));) {
        char *full = need_text("%s/%s", dir, name);
        found = access(full, X_OK) == 0;
        free(full);
    }
    free(copy);
    return found;
}

const char *bytes_text(char out[32], uint64_t n)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (n < 1024) {
        snprintf(out, 32, "%u B", (unsigned)n);
        return out;
    }
    double v = (double)n / 1024;
    unsigned u = 0;
    while (v >= 1024 && u < 3) {
        v /= 1024;
        u++;
    }
    snprintf(out, 32, "%.1f %s", v, units[u]);
    return out;
}
