// Signals of this process: what the caller left ignored and blocked is noted for the program, and
// those that are meant for it are taken here. Constant after start but `requests`, which is atomic.
#define _GNU_SOURCE
#include "host.h"
#include <arch/firmware.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    int number;
    enum arch_request request;
} forwarded[] = {{SIGINT, REQUEST_INTERRUPT},  {SIGQUIT, REQUEST_QUIT},  {SIGHUP, REQUEST_HANGUP},
                 {SIGTERM, REQUEST_TERMINATE}, {SIGUSR1, REQUEST_USER1}, {SIGUSR2, REQUEST_USER2},
                 {SIGWINCH, REQUEST_WINDOW}};
// What this process and those that hold guests cannot do without.
static const int own[] = {SIG_CPU, SIG_KICK, SIGCHLD, SIGSEGV, SIGBUS,
                          SIGILL,  SIGFPE,   SIGTRAP, SIGSYS};
enum { FORWARDED = sizeof(forwarded) / sizeof(forwarded[0]), OWN = sizeof(own) / sizeof(own[0]) };
static struct inherited_signals inherited;
static _Atomic u32 requests;
static bool for_program; // else nobody is there to take them: they end the machine

// Not through the C library, which keeps two numbers for itself.
static bool is_ignored(int number)
{
    struct {
        u64 handler, flags, restorer, mask;
    } action = {0};
    return syscall(SYS_rt_sigaction, number, NULL, &action, sizeof(u64)) == 0 &&
           action.handler == (u64)SIG_IGN;
}

void signals_note(void)
{
    for (int n = 1; n <= 64; n++)
        if (is_ignored(n))
            inherited.ignored |= 1ull << (n - 1);
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &inherited.blocked, sizeof(inherited.blocked));
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < OWN; i++) {
        signal(own[i], SIG_DFL);
        sigaddset(&set, own[i]);
    }
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

const struct inherited_signals *signals_inherited(void)
{
    return &inherited;
}

// Also those that are ignored: the program may change its mind. Blocked ones are queued whatever
// their action.
int signals_open(bool program)
{
    for_program = program;
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < FORWARDED; i++)
        sigaddset(&set, forwarded[i].number);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); // as an error
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        die("cannot watch signals: %s", strerror(errno));
    return fd;
}

void signals_take(int fd)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof(info)) == sizeof(info)) {
        int number = (int)info.ssi_signo;
        if (!for_program && number != SIGWINCH && !(inherited.ignored >> (number - 1) & 1))
            host_exit_killed(number);
        for (int i = 0; i < FORWARDED; i++)
            if (forwarded[i].number == number)
                requests |= 1u << forwarded[i].request |
                            (info.ssi_code == SI_KERNEL ? 1u << REQUEST_KEYBOARD : 0u);
    }
}

void request(enum arch_request what)
{
    requests |= 1u << what;
}

u32 host_requests_take(void)
{
    return atomic_exchange(&requests, 0);
}
