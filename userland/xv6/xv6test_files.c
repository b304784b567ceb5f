// Files, descriptors, pipes.
#include "xv6test.h"

static char big[4096];

static void open_modes(void)
{
    make_file("f1", "hello");
    CHECK(open("nosuch", O_RDONLY) == -1);
    CHECK(open("nosuch/f", O_CREATE | O_RDWR) == -1);
    int r = open("f1", O_RDONLY), w = open("f1", O_WRONLY), b = open("f1", O_RDWR);
    CHECK(r == 3 && w == 4 && b == 5); // the lowest free ones
    char c;
    CHECK(read(w, &c, 1) == -1 && write(r, "x", 1) == -1);
    CHECK(read(b, &c, 1) == 1 && c == 'h');
    CHECK(write(b, "E", 1) == 1);
    CHECK(read(r, big, 100) == 5 && memcmp(big, "hEllo", 5) == 0);
    CHECK(read(r, big, 100) == 0); // the end
    close(w);
    CHECK(open("f1", O_RDONLY) == 4);
    CHECK(open("f1", O_CREATE | O_RDWR) == 6); // creating what exists opens it
    CHECK(read(6, big, 9) == 5);
    CHECK(open("f1", O_WRONLY | O_RDWR) == 7); // both bits: written only
    CHECK(read(7, &c, 1) == -1 && write(7, "j", 1) == 1);
    CHECK(unlink("f1") == 0);
}

static void truncate(void)
{
    struct stat st;
    make_file("t1", "0123456789");
    int fd = open("t1", O_RDWR);
    CHECK(read(fd, big, 4) == 4);
    int other = open("t1", O_WRONLY | O_TRUNC);
    CHECK(fstat(fd, &st) == 0 && st.size == 0);
    CHECK(read(fd, big, 4) == 0);
    CHECK(write(other, "abc", 3) == 3);
    CHECK(read(fd, big, 4) == 0); // its position is behind the end
    close(other);
    CHECK(open("t1", O_RDONLY | O_TRUNC) >= 0); // truncates too
    CHECK(fstat(fd, &st) == 0 && st.size == 0);
    unlink("t1");
}

// Somebody else made the file shorter: there are no holes, so nothing can be written behind its
// end.
static void behind_the_end(void)
{
    struct stat st;
    make_file("t2", "abcd");
    int fd = open("t2", O_RDWR);
    CHECK(read(fd, big, 4) == 4);
    int other = open("t2", O_WRONLY | O_TRUNC);
    CHECK(write(fd, "x", 1) == -1 && write(fd, "", 0) == 0);
    CHECK(fstat(fd, &st) == 0 && st.size == 0);
    CHECK(write(other, "1234", 4) == 4);
    CHECK(write(fd, "x", 1) == 1); // at the end again
    CHECK(fstat(fd, &st) == 0 && st.size == 5);
    CHECK(write(other, "567", 3) == 3 && read(fd, big, 10) == 2 && memcmp(big, "67", 2) == 0);
    unlink("t2");
}

// Writes of all sizes up to some blocks.
static void sizes_of_writes(void)
{
    static char much[13000];
    for (int n = 499; n < (int)sizeof(much); n += 471) {
        int fd = open("sw", O_CREATE | O_RDWR);
        CHECK(fd >= 0 && write(fd, much, n) == n && write(fd, much, n) == n);
        struct stat st;
        CHECK(fstat(fd, &st) == 0 && st.size == 2ul * (unsigned)n);
        close(fd);
        CHECK(unlink("sw") == 0);
    }
}

static void fstat_fields(void)
{
    struct stat a, b;
    char *raw = (char *)&a;
    memset(&a, 0xff, sizeof(a));
    make_file("s1", "12345");
    int fd = open("s1", O_RDONLY);
    CHECK(fstat(fd, &a) == 0);
    CHECK(a.type == T_FILE && a.nlink == 1 && a.size == 5 && a.ino > 0 && a.ino < 65536);
    CHECK(raw[12] == 0 && raw[15] == 0); // padding is cleared
    CHECK(link("s1", "s2") == 0);
    CHECK(stat("s2", &b) == 0 && b.ino == a.ino && b.dev == a.dev && b.nlink == 2);
    CHECK(fstat(fd, &a) == 0 && a.nlink == 2);
    CHECK(unlink("s2") == 0 && fstat(fd, &a) == 0 && a.nlink == 1);
    CHECK(stat(".", &b) == 0 && b.type == T_DIR && b.size % 16 == 0 && b.dev == a.dev);
    int p[2];
    CHECK(pipe(p) == 0);
    CHECK(fstat(p[0], &b) == -1 && fstat(p[1], &b) == -1); // pipes have no attributes
    CHECK(fstat(15, &b) == -1 && fstat(-1, &b) == -1 && fstat(16, &b) == -1 &&
          fstat(1000000, &b) == -1);
    unlink("s1");
}

static void dup_shares(void)
{
    make_file("d1", "abcdef");
    int a = open("d1", O_RDONLY), b = dup(a);
    CHECK(b == a + 1);
    char c;
    CHECK(read(a, &c, 1) == 1 && c == 'a' && read(b, &c, 1) == 1 && c == 'b');
    int pid = fork();
    if (pid == 0)
        exit(read(a, &c, 1) != 1 || c != 'c');
    int st;
    CHECK(wait(&st) == pid && st == 0);
    CHECK(read(b, &c, 1) == 1 && c == 'd'); // the child moved the position
    close(a);
    CHECK(read(b, &c, 1) == 1 && c == 'e');
    CHECK(dup(a) == -1 && dup(-1) == -1 && dup(99) == -1);
    CHECK(close(a) == -1 && close(-1) == -1 && close(16) == -1);
    unlink("d1");
}

static void sixteen_descriptors(void)
{
    make_file("n1", "");
    int n = 3;
    while (n < 40 && open("n1", O_RDONLY) == n)
        n++;
    CHECK(n == 16);
    CHECK(open("n1", O_RDONLY) == -1 && dup(0) == -1);
    int p[2] = {7, 7};
    CHECK(pipe(p) == -1);
    CHECK(close(15) == 0);
    CHECK(pipe(p) == -1); // one is not enough, and the one is not lost
    CHECK(open("n1", O_RDONLY) == 15);
    CHECK(open("not-made", O_CREATE) == -1 && open("not-made", 0) == -1);
    unlink("n1");
}

static void unlinked_file_lives(void)
{
    make_file("u1", "hello");
    int fd = open("u1", O_RDWR);
    CHECK(unlink("u1") == 0 && open("u1", O_RDONLY) == -1);
    make_file("u1", "other");
    CHECK(read(fd, big, 10) == 5 && memcmp(big, "hello", 5) == 0);
    CHECK(write(fd, "more", 4) == 4);
    CHECK(unlink("u1") == 0);
    CHECK(unlink("u1") == -1);
}

static void largest_file(void)
{
    struct stat st;
    int fd = open("big", O_CREATE | O_RDWR);
    for (int i = 0; i < 268; i++) {
        memset(big, i, 1024);
        CHECK(write(fd, big, 1024) == 1024);
    }
    CHECK(write(fd, "x", 1) == -1);
    CHECK(fstat(fd, &st) == 0 && st.size == 268 * 1024);
    close(fd);
    fd = open("big", O_RDWR);
    for (int i = 0; i < 268; i++) {
        CHECK(read(fd, big, 1024) == 1024);
        CHECK(big[0] == (char)i && big[1023] == (char)i);
    }
    CHECK(read(fd, big, 1024) == 0);
    CHECK(write(fd, "x", 1) == -1);
    CHECK(unlink("big") == 0);
}

static void write_all_or_fail(void)
{
    int fd = open("w1", O_CREATE | O_RDWR | O_TRUNC);
    static char huge[270 * 1024];
    CHECK(write(fd, huge, sizeof(huge)) == -1); // larger than a file can be
    CHECK(write(fd, "x", -1) == -1 && read(fd, big, -1) == -1);
    CHECK(write(fd, "x", 0) == 0 || write(fd, "x", 0) == -1);
    close(fd);
    unlink("w1");
}

static void links(void)
{
    make_file("l1", "content");
    unlink("l2");
    CHECK(link("l1", "l2") == 0);
    CHECK(link("l1", "l2") == -1); // it exists
    CHECK(link("l2", "l2") == -1 && link("nosuch", "l3") == -1);
    CHECK(unlink("l1") == 0);
    CHECK(open("l1", O_RDONLY) == -1);
    int fd = open("l2", O_RDONLY);
    CHECK(fd >= 0 && read(fd, big, 20) == 7);
    CHECK(link(".", "l4") == -1); // no directories
    CHECK(link("l2", "nodir/l5") == -1 && link("l2", "") == -1);
    CHECK(unlink("l2") == 0);
}

static void other_file_system(void)
{
    make_file("x1", "");
    struct stat here, there;
    CHECK(stat(".", &here) == 0);
    if (stat("/proc", &there) == 0 && here.dev != there.dev)
        CHECK(link("x1", "/proc/x1") == -1);
    unlink("x1");
}

static void devices(void)
{
    struct stat st;
    unlink("tty");
    CHECK(mknod("tty", 1, 0) == 0);
    CHECK(mknod("tty", 1, 0) == -1); // it exists
    int fd = open("tty", O_RDWR);
    CHECK(fd >= 0);
    CHECK(fstat(fd, &st) == 0 && st.type == T_DEVICE);
    CHECK(write(fd, "", 0) == 0);
    close(fd);
    CHECK(unlink("tty") == 0);
    CHECK(mknod("dev7", 7, 1) == 0); // a place in the table, but no driver
    fd = open("dev7", O_RDWR);
    CHECK(fd >= 0 && fstat(fd, &st) == 0 && st.type == T_DEVICE);
    CHECK(read(fd, big, 1) == -1 && write(fd, "x", 1) == -1);
    CHECK(unlink("dev7") == 0);
    CHECK(mknod("dev99", 99, 1) == 0);
    CHECK(open("dev99", O_RDONLY) == -1); // no place in the table
    CHECK(unlink("dev99") == 0);
}

static void pipes(void)
{
    int p[2], st;
    CHECK(pipe(p) == 0 && p[0] == 3 && p[1] == 4);
    CHECK(read(p[1], big, 1) == -1 && write(p[0], "x", 1) == -1);
    CHECK(write(p[1], "abc", 3) == 3);
    CHECK(read(p[0], big, 100) == 3); // a short read is normal
    int pid = fork();
    if (pid == 0) {
        close(p[0]);
        int seq = 0;
        for (int i = 0; i < 5; i++) {
            for (int k = 0; k < 1033; k++)
                big[k] = (char)seq++;
            CHECK(write(p[1], big, 1033) == 1033);
        }
        exit(0);
    }
    close(p[1]);
    int total = 0, n;
    while ((n = read(p[0], big, 700)) > 0)
        for (int i = 0; i < n; i++)
            CHECK((big[i] & 0xff) == (total++ & 0xff));
    CHECK(n == 0 && total == 5 * 1033); // 0 once nobody writes
    CHECK(wait(&st) == pid && st == 0);
    close(p[0]);
    CHECK(pipe(p) == 0);
    close(p[0]);
    CHECK(write(p[1], "x", 1) == -1); // nobody reads: -1 and no more
    close(p[1]);
}

// A write larger than a pipe waits for readers, and is whole.
static void pipe_write_is_whole(void)
{
    static char huge[300000];
    int p[2], st;
    CHECK(pipe(p) == 0);
    int pid = fork();
    if (pid == 0) {
        close(p[0]);
        exit(write(p[1], huge, sizeof(huge)) != sizeof(huge));
    }
    close(p[1]);
    int total = 0, n;
    while ((n = read(p[0], big, sizeof(big))) > 0)
        total += n;
    CHECK(total == sizeof(huge) && wait(&st) == pid && st == 0);
    // and when the readers go meanwhile, it fails whatever was moved
    CHECK(pipe(p) == 0);
    pid = fork();
    if (pid == 0) {
        close(p[0]);
        exit(write(p[1], huge, sizeof(huge)) != -1);
    }
    close(p[1]);
    CHECK(read(p[0], big, 100) > 0);
    close(p[0]);
    CHECK(wait(&st) == pid && st == 0);
}

const struct test file_tests[] = {{"open_modes", open_modes},
                                  {"truncate", truncate},
                                  {"behind_the_end", behind_the_end},
                                  {"sizes_of_writes", sizes_of_writes},
                                  {"fstat_fields", fstat_fields},
                                  {"dup_shares", dup_shares},
                                  {"sixteen_descriptors", sixteen_descriptors},
                                  {"unlinked_file_lives", unlinked_file_lives},
                                  {"largest_file", largest_file},
                                  {"write_all_or_fail", write_all_or_fail},
                                  {"links", links},
                                  {"other_file_system", other_file_system},
                                  {"devices", devices},
                                  {"pipes", pipes},
                                  {"pipe_write_is_whole", pipe_write_is_whole},
                                  {NULL, NULL}};
