// The console as a socket: this process goes on in the background, and one terminal at a time
// attaches to it (attach.c). What is printed meanwhile is kept, the last of it.
//
// Guarded by: `lock`, held for moments, guards what is printed and not yet sent, and which terminal
// is attached; interrupts are off. `sending` is held by whoever talks to terminals: the serving
// thread, and in the end the CPU that ends this process.
#define _GNU_SOURCE
#include "frames.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BACKLOG = 65536, STALLED_MS = 10'000, LAST_WORDS_MS = 2000, NOT_TAKEN_MS = 5 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, sending = PTHREAD_MUTEX_INITIALIZER;
// --- lock ---
static u8 printed[BACKLOG];
static u64 put_at, sent_at, lost; // bytes so far; lost: overwritten before they were sent
static int terminal = -1;
// --- serving thread ---
static int newcomer = -1; // connected, has not told its size yet
static struct frame_reader reader, newcomer_reader;
// --- atomic ---
static _Atomic u64 size; // struct frame_size; 0: none known yet
static _Atomic bool background;
// --- constant after start ---
static const char *place; // NULL: the console is no socket
static struct stat place_is;
static int listen_fd = -1, wake_fd = -1, ready_fd = -1;

bool socket_address(const char *path, struct sockaddr_un *a)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(a->sun_path))
        return false;
    strcpy(a->sun_path, path);
    return true;
}

// A socket that nobody listens at any more is taken away.
static void make_room(const char *path, const struct sockaddr_un *a)
{
    struct stat st;
    if (lstat(path, &st))
        return;
    if (!S_ISSOCK(st.st_mode))
        die("--console %s: is there already and is no socket", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0)
        die("--console %s: a program has its console there already", path);
    if (errno != ECONNREFUSED || unlink(path))
        die("--console %s: %s", path, strerror(errno));
    close(fd);
}

static void remove_place(void)
{
    struct stat st;
    if (place && lstat(place, &st) == 0 && st.st_ino == place_is.st_ino &&
        st.st_dev == place_is.st_dev)
        unlink(place);
}

// The process that was started waits until the program runs; what goes on is its child.
static void leave_caller(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        die("--console: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0)
        die("--console: cannot go into the background: %s", strerror(errno));
    if (!child) {
        setsid();
        close(ends[0]);
        ready_fd = ends[1];
        return;
    }
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    close(ends[1]);
    u8 byte;
    int status;
    if (read(ends[0], &byte, 1) == 1)
        _exit(0);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            _exit(1);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

void socket_open(const char *path)
{
    struct sockaddr_un a;
    if (!socket_address(path, &a))
        die("--console %s: the name is too long for a socket", path);
    make_room(path, &a);
    listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    if (listen_fd < 0 || bind(listen_fd, (const struct sockaddr *)&a, sizeof(a)) ||
        listen(listen_fd, 8) || lstat(path, &place_is))
        die("--console %s: %s", path, strerror(errno));
    umask(mask);
    place = path;
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0)
        die("--console %s: %s", path, strerror(errno));
    atexit(remove_place);
    leave_caller();
}

bool socket_is_console(void)
{
    return place;
}

bool socket_takes_output(void)
{
    return background;
}

void host_program_started(void)
{
    if (!place || background)
        return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int n = 0; n < 3 && null >= 0; n++)
        dup2(null, n);
    close(null);
    background = true;
    (void)!write(ready_fd, "", 1);
    close(ready_fd);
}

static void wake(void)
{
    u64 one = 1;
    (void)!write(wake_fd, &one, sizeof(one));
}

// Waits for an attached terminal, which is dropped when it stands still; with none the oldest goes.
void socket_print(const char *s, u64 n)
{
    pthread_mutex_lock(&lock);
    while (n) {
        if (put_at - sent_at == BACKLOG && terminal >= 0) {
            pthread_mutex_unlock(&lock);
            wake();
            usleep(500);
            pthread_mutex_lock(&lock);
            continue;
        }
        if (put_at - sent_at == BACKLOG) {
            sent_at++;
            lost++;
        }
        printed[put_at++ % BACKLOG] = (u8)*s++;
        n--;
    }
    pthread_mutex_unlock(&lock);
    wake();
}

bool socket_size(u16 *rows, u16 *cols, u16 *xpixel, u16 *ypixel)
{
    u64 all = size;
    struct frame_size s;
    static_assert(sizeof(s) == sizeof(all));
    memcpy(&s, &all, sizeof(s));
    *rows = s.rows;
    *cols = s.cols;
    *xpixel = s.xpixel;
    *ypixel = s.ypixel;
    return all;
}

// --- terminals; sending held ---

static void attach(int fd)
{
    pthread_mutex_lock(&lock);
    if (terminal >= 0)
        close(terminal);
    terminal = fd;
    pthread_mutex_unlock(&lock);
}

// One frame of what is not sent yet. False: there is nothing more.
static bool send_some(int patience_ms)
{
    char text[FRAME_MAX];
    pthread_mutex_lock(&lock);
    u64 n = put_at - sent_at < sizeof(text) ? put_at - sent_at : sizeof(text);
    for (u64 i = 0; i < n; i++)
        text[i] = (char)printed[(sent_at + i) % BACKLOG];
    u64 gap = lost;
    int fd = terminal;
    pthread_mutex_unlock(&lock);
    if (fd < 0 || !n)
        return false;
    char note[64];
    int len = gap ? snprintf(note, sizeof(note), "\r\n[%lu bytes lost]\r\n", gap) : 0;
    if ((len && !frame_put(fd, FRAME_DATA, note, (u16)len, patience_ms)) ||
        !frame_put(fd, FRAME_DATA, text, (u16)n, patience_ms)) {
        attach(-1);
        return false;
    }
    pthread_mutex_lock(&lock);
    lost -= gap;
    sent_at += n;
    pthread_mutex_unlock(&lock);
    return true;
}

static void take_size(const struct frame *f)
{
    u64 all;
    if (f->len != sizeof(all))
        return;
    memcpy(&all, f->body, sizeof(all));
    size = all;
    request(REQUEST_WINDOW);
    console_tell();
}

static void serve_newcomer(void)
{
    int r = frame_take(&newcomer_reader, newcomer);
    if (!r)
        return;
    if (r < 0 || newcomer_reader.frame.kind != FRAME_SIZE) {
        close(newcomer);
    } else {
        if (terminal >= 0)
            (void)frame_put(terminal, FRAME_TAKEN, NULL, 0, 0);
        // What is on its way is lost when the terminal hangs up.
        setsockopt(newcomer, SOL_SOCKET, SO_SNDBUF, &(int){2 * FRAME_MAX}, sizeof(int));
        attach(newcomer);
        reader = (struct frame_reader){0};
        take_size(&newcomer_reader.frame);
    }
    newcomer = -1;
}

// False: this process is to end.
static bool serve_terminal(void)
{
    while (console_room() >= FRAME_MAX) {
        int r = frame_take(&reader, terminal);
        if (!r)
            break;
        const enum frame_kind kind = r < 0 ? FRAME_DETACH : (enum frame_kind)reader.frame.kind;
        if (kind == FRAME_END)
            return false;
        if (kind == FRAME_DATA) {
            console_typed(reader.frame.body, reader.frame.len);
        } else if (kind == FRAME_SIZE) {
            take_size(&reader.frame);
        } else {
            (void)frame_put(terminal, FRAME_DETACH, NULL, 0, LAST_WORDS_MS);
            attach(-1);
            break;
        }
    }
    return true;
}

static bool serve_once(const struct pollfd fds[4])
{
    u64 count;
    if (fds[0].revents)
        (void)!read(wake_fd, &count, sizeof(count));
    if (fds[1].revents) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && newcomer >= 0)
            close(newcomer);
        if (fd >= 0) {
            newcomer = fd;
            newcomer_reader = (struct frame_reader){0};
        }
    } else if (fds[2].revents) {
        serve_newcomer();
    }
    if (fds[3].revents && terminal == fds[3].fd && !serve_terminal())
        return false;
    (void)send_some(STALLED_MS);
    return true;
}

static void *serve(void *arg)
{
    (void)arg;
    for (bool more = false, run = true; run;) {
        struct pollfd fds[] = {
            {.fd = wake_fd, .events = POLLIN},
            {.fd = listen_fd, .events = POLLIN},
            {.fd = newcomer, .events = POLLIN},
            {.fd = console_room() >= FRAME_MAX ? terminal : -1, .events = POLLIN}};
        if (poll(fds, 4, more ? 0 : console_input_waits() ? NOT_TAKEN_MS : -1) < 0)
            continue;
        pthread_mutex_lock(&sending);
        run = serve_once(fds);
        pthread_mutex_lock(&lock);
        more = terminal >= 0 && put_at != sent_at;
        pthread_mutex_unlock(&lock);
        pthread_mutex_unlock(&sending);
        if (console_input_waits())
            console_tell();
    }
    host_exit(STATUS_LEFT);
}

void socket_serve(void)
{
    start_thread(serve, NULL);
}

void socket_end(bool killed, i32 number)
{
    if (!place)
        return;
    pthread_mutex_lock(&sending);
    remove_place();
    while (send_some(LAST_WORDS_MS))
        ;
    if (terminal >= 0)
        (void)frame_put(terminal, killed ? FRAME_KILLED : FRAME_STATUS, &number, sizeof(number),
                        LAST_WORDS_MS);
}
