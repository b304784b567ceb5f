// sockets: what local sockets do, and splice, tee and vmsplice, one line per check. Every part is a
// function that prints lines of a name and a result, the same on every run: no numbers of
// processes, no times, no addresses. This header has what all parts use: constants, raw calls,
// printing, processes and threads.
#pragma once
#define OWN_START // main.c has the entry
#include <start.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;
typedef unsigned long u64;

enum { EINTR = 4, EAGAIN = 11, EFAULT = 14, EINVAL = 22, EPIPE = 32 };
enum { AF_UNSPEC = 0, AF_UNIX = 1, STREAM = 1, DGRAM = 2, SEQPACKET = 5 };
enum { NONBLOCK = 04000, CLOEXEC = 02000000, RDWR = 2, CREAT = 0100, O_PATH = 010000000 };
enum { SHUT_RD, SHUT_WR, SHUT_RDWR };
enum {
    MSG_OOB = 1,
    MSG_PEEK = 2,
    MSG_CTRUNC = 8,
    MSG_TRUNC = 0x20,
    MSG_DONTWAIT = 0x40,
    MSG_EOR = 0x80,
    MSG_WAITALL = 0x100,
    MSG_NOSIGNAL = 0x4000,
    MSG_WAITFORONE = 0x10000,
    MSG_CMSG_CLOEXEC = 0x40000000
};
enum {
    SOL_SOCKET = 1,
    SO_DEBUG = 1,
    SO_REUSEADDR = 2,
    SO_TYPE = 3,
    SO_ERROR = 4,
    SO_DONTROUTE = 5,
    SO_BROADCAST = 6,
    SO_SNDBUF = 7,
    SO_RCVBUF = 8,
    SO_KEEPALIVE = 9,
    SO_OOBINLINE = 10,
    SO_PRIORITY = 12,
    SO_LINGER = 13,
    SO_PASSCRED = 16,
    SO_PEERCRED = 17,
    SO_RCVLOWAT = 18,
    SO_SNDLOWAT = 19,
    SO_RCVTIMEO = 20,
    SO_SNDTIMEO = 21,
    SO_ACCEPTCONN = 30,
    SO_SNDBUFFORCE = 32,
    SO_PROTOCOL = 38,
    SO_DOMAIN = 39,
    SO_PEERGROUPS = 59
};
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2 };
enum {
    F_GETFD = 1,
    F_GETFL = 3,
    F_SETFL = 4,
    FIONREAD = 0x541b,
    SIOCOUTQ = 0x5411,
    FIONBIO = 0x5421
};
enum { IN = 1, PRI = 2, OUT = 4, ERR = 8, HUP = 0x10, RDHUP = 0x2000, EVERY_EVENT = 0x27c7 };
enum { SIGUSR1 = 10, SIGKILL = 9, SIGPIPE = 13, SIGALRM = 14, SIGCHLD = 17, RESTART = 0x10000000 };
#define HERE (-100L)
#define NOWHERE ((void *)16) // no page is mapped there

struct address {
    u16 family;
    char path[126];
};
enum { PATH_AT = 2, LONGEST = 110 }; // where a path begins; the length of a whole sockaddr_un
struct vector {
    const void *base;
    u64 length;
};
struct message {
    const void *name;
    u32 name_length;
    const struct vector *vectors;
    u64 count;
    void *control;
    u64 control_length;
    u32 flags;
};
struct many {
    struct message message;
    u32 length;
};
struct control {
    u64 length;
    int level, type;
};
enum { CONTROL_HEAD = 16 };
struct creds {
    int pid;
    u32 uid, gid;
};
struct time {
    long seconds, parts;
};

// --- printing (base.c) ---
// %s text, %d int, %l long, %o int in octal, %x int in hexadecimal, %r a call's result (long: its
// value or its error's name), %e poll events (int), %q bytes (pointer, long: their number).
void say(const char *format, ...);
// "NAME: RESULT"
void tell(const char *name, long result);
[[noreturn]] void leave(int status);
u64 length_of(const char *s);
void copy(void *to, const void *from, u64 n);
void fill(void *to, int byte, u64 n);
bool same(const void *a, const void *b, u64 n);

// --- sockets (base.c) ---
int socket_of(int type); // of AF_UNIX; type may have flags
void pair(int type, int fd[2]);
void shut(int fd);
// The address of a path; of an abstract name, which begins with '@' here. The length as calls want.
u32 address_of(struct address *a, const char *name);
long bind_to(int fd, const char *name);
long connect_to(int fd, const char *name);
int listener(const char *name, int type, int backlog); // bound and listening
long put_text(int fd, const char *s);
long get(int fd, void *to, u64 n);               // read()
void tell_read(const char *name, int fd, u64 n); // reads at most n bytes without waiting
long set(int fd, int option, int value);
long option(int fd, int name);  // an int, or the error
bool fill_up(int fd);           // writes without waiting until nothing more goes in
int events(int fd, int wanted); // as poll tells them, without waiting
void tell_address(const char *name, long result, const struct address *a, u32 length);

// Whether nobody has a pipe's other end any more, or soon. Linux looks for descriptors that are
// lost in queues when a socket is closed, by and by: so sockets are, again and again.
bool comes_to_end(int pipe);

// --- processes, threads, signals (base.c) ---
long start_child(void); // fork: 0 in the child
int end_of(long child); // its status, or 1000 + signal
void nap(int milliseconds);
void count_signal(int number, u64 flags); // counts what comes
void ignore(int number, bool yes);
int caught(int number); // since then; a child sees what its parent caught
long start_thread(void (*run)(long), long argument); // at most four at once
void join_thread(long which);
long own_pid(void);
// A child that sends SIGUSR1 to the caller again and again until it is ended with hush().
long pester(void);
void hush(long child);

u32 chance(u32 *seed, u32 n); // 0 to n - 1

// --- parts ---
void part_pairs(void);
void part_streams(void);
void part_datagrams(void);
void part_packets(void);
void part_broken(void);
void part_shutdown(void);
void part_gone(void);
void part_poll(void);
void part_poll_listening(void);
void part_epoll(void);
void part_epoll_late(void);
void part_epoll_all(void);
void part_bind(void);
void part_abstract(void);
void part_own_names(void);
void part_files(void);
void part_moved(void);
void part_connect(void);
void part_not_permitted(void);
void part_backlog(void);
void part_datagram_connect(void);
void part_listen(void);
void part_accept(void);
void part_send_to(void);
void part_vectors(void);
void part_control(void);
void part_many(void);
void part_rights(void);
void part_rights_cut(void);
void part_rights_stream(void);
void part_rights_flight(void);
void part_creds(void);
void part_options(void);
void part_option_lengths(void);
void part_timeouts(void);
void part_queues(void);
void part_descriptor(void);
void part_not_sockets(void);
void part_faults(void);
void part_blocked_read(void);
void part_blocked_write(void);
void part_blocked_others(void);
void part_threads(void);
void part_bulk(void);
void part_order(void);
void part_places(void);
void part_limits(void);
void part_moving(void);
void part_storm_random(void);
void part_storm_turn(void);
void part_storm_failing(void);
bool random_rounds(u32 seed, u32 count, bool failing);
void part_storm_connect(void);
void part_storm_pass(void);
void part_storm_threads(void);
void part_splice_errors(void);
void part_splice_files(void);
void part_splice_pipes(void);
void part_splice_memory(void);
void part_splice_others(void);
void part_splice_sockets(void);
void part_splice_blocked(void);
void part_storm_splice(void);
void part_storm_splice_way(void);
void part_storm_splice_readers(void);
void part_storm_splice_writers(void);
