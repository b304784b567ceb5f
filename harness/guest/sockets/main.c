// sockets [PART | random SEED COUNT [failing]]: one part, or all. Every part runs in a process
// group of its own; one that does not end in time is ended and said so, and nothing of it stays
// behind.
#include "sockets.h"

ENTRY(start);
[[noreturn, gnu::used]] void start(word *stack);

enum { MOST_SECONDS = 40 };

static const struct {
    const char *name;
    void (*run)(void);
} parts[] = {
#define PART(name) {#name, part_##name}
    PART(pairs),
    PART(streams),
    PART(datagrams),
    PART(packets),
    PART(broken),
    PART(shutdown),
    PART(gone),
    PART(poll),
    PART(poll_listening),
    PART(epoll),
    PART(epoll_late),
    PART(epoll_all),
    PART(bind),
    PART(abstract),
    PART(own_names),
    PART(files),
    PART(moved),
    PART(connect),
    PART(not_permitted),
    PART(backlog),
    PART(datagram_connect),
    PART(listen),
    PART(accept),
    PART(send_to),
    PART(vectors),
    PART(control),
    PART(many),
    PART(rights),
    PART(rights_cut),
    PART(rights_stream),
    PART(rights_flight),
    PART(creds),
    PART(options),
    PART(option_lengths),
    PART(timeouts),
    PART(queues),
    PART(descriptor),
    PART(not_sockets),
    PART(faults),
    PART(blocked_read),
    PART(blocked_write),
    PART(blocked_others),
    PART(threads),
    PART(bulk),
    PART(order),
    PART(storm_connect),
    PART(storm_pass),
    PART(storm_threads),
    PART(storm_random),
    PART(storm_turn),
    PART(storm_failing),
    PART(places),
    PART(limits),
    PART(moving),
    PART(splice_errors),
    PART(splice_files),
    PART(splice_pipes),
    PART(splice_memory),
    PART(splice_others),
    PART(splice_sockets),
    PART(splice_blocked),
    PART(storm_splice),
    PART(storm_splice_way),
    PART(storm_splice_readers),
    PART(storm_splice_writers),
};

static int run_part(const char *name, void (*run)(void))
{
    u64 timer[4] = {0, 0, MOST_SECONDS, 0}, off[4] = {0};
    int status = 0;
    long child = start_child(), r;
    if (!child) {
        (void)CALL(setpgid, 0, 0);
        run();
        leave(0);
    }
    (void)CALL(setpgid, child, child);
    count_signal(SIGALRM, 0);
    (void)CALL(setitimer, 0, timer, 0);
    r = CALL(wait4, child, &status, 0, 0);
    (void)CALL(setitimer, 0, off, 0);
    (void)CALL(kill, -child, SIGKILL);
    if (r == -EINTR) {
        say("%s: NO END after %d s", name, MOST_SECONDS);
        (void)CALL(wait4, child, &status, 0, 0);
        return 2;
    }
    if (status & 0x7f)
        say("%s: ENDED by signal %d", name, status & 0x7f);
    return status ? 1 : 0;
}

static u32 parse(const char *s)
{
    u32 v = 0;
    while (*s >= '0' && *s <= '9')
        v = v * 10 + (u32)(*s++ - '0');
    return v;
}

[[noreturn, gnu::used]] void start(word *stack)
{
    const char *wanted = stack[0] > 1 ? (const char *)stack[2] : 0;
    if (stack[0] >= 4 && same(wanted, "random", 7))
        leave(!random_rounds(parse((const char *)stack[3]), parse((const char *)stack[4]),
                             stack[0] > 4));
    int worst = wanted ? 3 : 0; // no such part
    for (int fd = 3; fd < 100; fd++)
        shut(fd); // what was inherited would change numbers
    for (u64 i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        u64 n = length_of(parts[i].name) + 1;
        if (wanted && !(length_of(wanted) + 1 == n && same(wanted, parts[i].name, n)))
            continue;
        if (!wanted)
            say("== %s", parts[i].name);
        int r = run_part(parts[i].name, parts[i].run);
        worst = wanted || r > worst ? r : worst;
    }
    if (wanted && worst == 3)
        say("sockets: no part named %s", wanted);
    leave(worst);
}
