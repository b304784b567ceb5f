// Local sockets: pairs, names, lines of connections, ends, other ABIs at the other end.
#include "check.h"

#define NAME "/tmp/socket-test"

static void pairs(void)
{
    int s[2];
    char buf[32], big[5000];
    struct scarlet_socket_source from;
    struct scarlet_handle_info h;
    CHECK(scarlet_call_socket_pair(s, SCARLET_SOCKET_STREAM, SCARLET_SOCKET_NONBLOCK) == 0);
    CHECK(scarlet_call_query(s[0], &h) == 0 && h.type == SCARLET_OBJECT_SOCKET);
    CHECK(scarlet_call_read(s[0], buf, 8) == -SCARLET_WOULD_BLOCK);
    CHECK(scarlet_call_write(s[0], "abc", 3) == 3 && scarlet_call_write(s[0], "def", 3) == 3);
    CHECK(scarlet_call_read(s[1], buf, 4) == 4 && memcmp(buf, "abcd", 4) == 0 &&
          scarlet_call_read(s[1], buf, 8) == 2);
    memset(big, 7, sizeof(big));
    u64 put = 0;
    long n;
    while ((n = scarlet_call_write(s[1], big, sizeof(big))) > 0)
        put += (u64)n;
    CHECK(n == -SCARLET_WOULD_BLOCK && put > 100000);
    while (put && (n = scarlet_call_read(s[0], big, sizeof(big))) > 0)
        put -= (u64)n;
    CHECK(put == 0);
    CHECK(scarlet_call_socket_shutdown(s[0], SCARLET_SOCKET_SHUT_WRITE) == 0 &&
          scarlet_call_read(s[1], buf, 1) == 0 &&
          scarlet_call_write(s[0], "x", 1) == -SCARLET_BROKEN_PIPE &&
          scarlet_call_write(s[1], "y", 1) == 1 && scarlet_call_read(s[0], buf, 1) == 1);
    scarlet_call_close(s[1]);
    CHECK(scarlet_call_read(s[0], buf, 1) == 0);
    scarlet_call_close(s[0]);
    CHECK(scarlet_call_socket_pair(s, SCARLET_SOCKET_PACKETS, 0) == 0 &&
          scarlet_call_write(s[0], "one", 3) == 3 && scarlet_call_write(s[0], "second", 6) == 6);
    CHECK(scarlet_call_socket_receive_from(s[1], buf, 2, &from) == 2 && from.size == 3 &&
          from.task == scarlet_call_getpid());
    CHECK(scarlet_call_read(s[1], buf, 32) == 6 && memcmp(buf, "second", 6) == 0);
    scarlet_call_close(s[0]);
    CHECK(scarlet_call_read(s[1], buf, 32) == 0 &&
          scarlet_call_write(s[1], "z", 1) == -SCARLET_BROKEN_PIPE);
    scarlet_call_close(s[1]);
}

// --- by name ---
static void serve(void *arg) // answers each connection's line in capitals
{
    int listener = *(int *)arg;
    for (int i = 0; i < 200; i++) {
        char c;
        int s = (int)scarlet_call_socket_accept(listener, 0);
        CHECK(s >= 0);
        while (scarlet_call_read(s, &c, 1) == 1) {
            c = (char)(c - 'a' + 'A');
            CHECK(scarlet_call_write(s, &c, 1) == 1);
        }
        scarlet_call_close(s);
    }
}

static void ask(void *arg)
{
    (void)arg;
    for (int i = 0; i < 50; i++) {
        char buf[8];
        usize have = 0;
        long n;
        int s = (int)scarlet_call_socket_create(SCARLET_SOCKET_STREAM, 0);
        CHECK(scarlet_call_socket_connect(s, HERE, NAME) == 0 &&
              scarlet_call_write(s, "word", 4) == 4 &&
              scarlet_call_socket_shutdown(s, SCARLET_SOCKET_SHUT_WRITE) == 0);
        while (have < sizeof(buf) && (n = scarlet_call_read(s, buf + have, sizeof(buf) - have)) > 0)
            have += (usize)n;
        CHECK(have == 4 && memcmp(buf, "WORD", 4) == 0);
        scarlet_call_close(s);
    }
}

static void named_streams(void)
{
    struct scarlet_socket_info info;
    struct thread t[5];
    struct scarlet_metadata m;
    int l = (int)scarlet_call_socket_create(SCARLET_SOCKET_STREAM, 0),
        c = (int)scarlet_call_socket_create(SCARLET_SOCKET_STREAM, 0),
        d = (int)scarlet_call_socket_create(SCARLET_SOCKET_DATAGRAM, 0);
    (void)scarlet_call_remove(NAME);
    CHECK(scarlet_call_socket_listen(l, 1) == -SCARLET_BAD_ARGUMENT); // no name
    CHECK(scarlet_call_socket_bind(l, HERE, NAME, 0700) == 0 &&
          scarlet_call_metadata_at(HERE, NAME, 0, &m) == 0 && m.type == SCARLET_TYPE_SOCKET &&
          m.mode == 0700);
    CHECK(scarlet_call_socket_bind(c, HERE, NAME, 0700) == -SCARLET_EXISTS);
    CHECK(scarlet_call_socket_connect(c, HERE, NAME) == -SCARLET_REFUSED); // nobody listens
    CHECK(scarlet_call_socket_connect(c, HERE, "/tmp") == -SCARLET_REFUSED &&
          scarlet_call_socket_connect(c, HERE, "/tmp/none") == -SCARLET_NOT_FOUND);
    CHECK(scarlet_call_write(c, "x", 1) == -SCARLET_BAD_STATE);
    CHECK(scarlet_call_socket_listen(l, 2) == 0);
    CHECK(scarlet_call_socket_connect(d, HERE, NAME) == -SCARLET_PROTOCOL);
    CHECK(scarlet_call_socket_connect(c, HERE, NAME) == 0 &&
          scarlet_call_socket_connect(c, HERE, NAME) == -SCARLET_BAD_STATE &&
          scarlet_call_socket_info(c, &info) == 0 && info.state == SCARLET_SOCKET_CONNECTED &&
          strcmp(info.peer_name, NAME) == 0 && info.peer == scarlet_call_getpid());
    struct scarlet_wait_item w = {.handle = l, .wanted = SCARLET_READY_READ};
    CHECK(scarlet_call_wait(&w, 1, 0) == 1 && scarlet_call_socket_info(l, &info) == 0 &&
          info.pending == 1);
    int second = (int)scarlet_call_socket_create(SCARLET_SOCKET_STREAM, SCARLET_SOCKET_NONBLOCK),
        third = (int)scarlet_call_socket_create(SCARLET_SOCKET_STREAM, SCARLET_SOCKET_NONBLOCK);
    CHECK(scarlet_call_socket_connect(second, HERE, NAME) == 0 &&
          scarlet_call_socket_connect(third, HERE, NAME) ==
              -SCARLET_WOULD_BLOCK); // the line is full
    for (int i = 0; i < 2; i++)
        scarlet_call_close((int)scarlet_call_socket_accept(l, 0));
    CHECK(scarlet_call_socket_connect(third, HERE, NAME) == 0); // after a failure
    scarlet_call_close((int)scarlet_call_socket_accept(l, 0));
    CHECK(thread_start(&t[0], serve, &l) > 0);
    for (int i = 1; i < 5; i++)
        CHECK(thread_start(&t[i], ask, NULL) > 0);
    for (int i = 0; i < 5; i++)
        CHECK(thread_wait(&t[i]) == 0);
    scarlet_call_close(second);
    CHECK((second = (int)scarlet_call_socket_create(SCARLET_SOCKET_STREAM, 0)) >= 0 &&
          scarlet_call_socket_connect(second, HERE, NAME) == 0);
    char byte;
    scarlet_call_close(l); // with one in line
    CHECK(scarlet_call_read(second, &byte, 1) == -SCARLET_CONNECTION_LOST &&
          scarlet_call_read(second, &byte, 1) == 0 &&
          scarlet_call_write(second, "x", 1) == -SCARLET_BROKEN_PIPE);
    int fourth = (int)scarlet_call_socket_create(SCARLET_SOCKET_STREAM, 0);
    CHECK(scarlet_call_socket_connect(fourth, HERE, NAME) == -SCARLET_REFUSED);
    int all[] = {c, d, second, third, fourth};
    for (usize i = 0; i < ARRAY_LEN(all); i++)
        scarlet_call_close(all[i]);
    CHECK(scarlet_call_remove(NAME) == 0);
}

static void wait_in_line(void *arg)
{
    int s = (int)scarlet_call_socket_create(SCARLET_SOCKET_STREAM, 0);
    *(long *)arg = scarlet_call_socket_connect(s, HERE, NAME);
    scarlet_call_close(s);
}

static void closed_while_waiting(void)
{
    struct thread t;
    long result = 1;
    int l = (int)scarlet_call_socket_create(SCARLET_SOCKET_STREAM, 0),
        c = (int)scarlet_call_socket_create(SCARLET_SOCKET_STREAM, 0);
    CHECK(scarlet_call_socket_bind(l, HERE, NAME, 0700) == 0 &&
          scarlet_call_socket_listen(l, 1) == 0 && scarlet_call_socket_connect(c, HERE, NAME) == 0);
    CHECK(thread_start(&t, wait_in_line, &result) > 0);
    (void)scarlet_call_sleep(20000000); // it may wait by now; both ways must end
    scarlet_call_close(l);
    CHECK(thread_wait(&t) == 0 && result == -SCARLET_REFUSED);
    scarlet_call_close(c);
    CHECK(scarlet_call_remove(NAME) == 0);
}

static void datagrams(void)
{
    struct scarlet_socket_source from;
    char buf[16];
    int a = (int)scarlet_call_socket_create(SCARLET_SOCKET_DATAGRAM, 0),
        b = (int)scarlet_call_socket_create(SCARLET_SOCKET_DATAGRAM, SCARLET_SOCKET_NONBLOCK);
    CHECK(scarlet_call_socket_bind(a, HERE, NAME, 0600) == 0 &&
          scarlet_call_socket_bind(b, HERE, NAME ".b", 0600) == 0);
    CHECK(scarlet_call_write(b, "x", 1) == -SCARLET_BAD_STATE); // to whom?
    CHECK(scarlet_call_socket_send_to(b, "hello", 5, HERE, NAME) == 5 &&
          scarlet_call_socket_send_to(b, "", 0, HERE, NAME) == 0);
    CHECK(scarlet_call_socket_receive_from(a, buf, 16, &from) == 5 &&
          strcmp(from.name, NAME ".b") == 0 && from.size == 5);
    CHECK(scarlet_call_socket_receive_from(a, buf, 16, &from) == 0 && from.size == 0);
    CHECK(scarlet_call_socket_connect(b, HERE, NAME) == 0 && scarlet_call_write(b, "y", 1) == 1 &&
          scarlet_call_read(a, buf, 16) == 1);
    CHECK(scarlet_call_socket_send_to(a, "back", 4, HERE, from.name) == 4 &&
          scarlet_call_read(b, buf, 16) == 4);
    char *large = allocate(70000);
    CHECK(scarlet_call_write(b, large, 70000) == -SCARLET_TOO_BIG);
    long n;
    while ((n = scarlet_call_write(b, large, 30000)) > 0)
        ;
    CHECK(n == -SCARLET_WOULD_BLOCK);
    release(large);
    scarlet_call_close(a);
    CHECK(scarlet_call_write(b, "y", 1) == -SCARLET_REFUSED);
    scarlet_call_close(b);
    CHECK(scarlet_call_remove(NAME) == 0 && scarlet_call_remove(NAME ".b") == 0);
}

// A program of another ABI reads and writes its end as any stream; a handle without the right
// cannot.
static void other_end(void)
{
    int s[2];
    char buf[16], *cat[] = {(char *)"/names/linux_cat", NULL};
    CHECK(scarlet_call_socket_pair(s, SCARLET_SOCKET_STREAM, SCARLET_SOCKET_CLOSE_ON_EXEC) == 0);
    struct run r = {.path = cat[0],
                    .argv = cat,
                    .set_standard = true,
                    .standard = {s[1], s[1], SCARLET_NO_HANDLE}};
    if (scarlet_call_access_at(HERE, cat[0], SCARLET_ACCESS_EXECUTE) == 0) {
        long t = run_program(&r);
        CHECK(t >= 0 && scarlet_call_write(s[0], "through", 7) == 7 &&
              scarlet_call_read(s[0], buf, 16) == 7 && memcmp(buf, "through", 7) == 0);
        CHECK(scarlet_call_socket_shutdown(s[0], SCARLET_SOCKET_SHUT_WRITE) == 0 &&
              wait_for((int)t, NULL) == 0);
    }
    long weak = scarlet_call_duplicate_to(s[1], SCARLET_RIGHT_READ, HERE, 0);
    CHECK(scarlet_call_write((int)weak, "x", 1) == -SCARLET_RIGHTS &&
          scarlet_call_socket_shutdown((int)weak, SCARLET_SOCKET_SHUT_READ) == -SCARLET_RIGHTS);
    scarlet_call_close((int)weak);
    scarlet_call_close(s[0]);
    scarlet_call_close(s[1]);
}

void socket_parts(void)
{
    pairs();
    named_streams();
    closed_while_waiting();
    datagrams();
    other_end();
}
