// Directories and names.
#include "xv6test.h"

static void directories_open_for_reading_only(void)
{
    CHECK(mkdir("dd") == 0);
    CHECK(mkdir("dd") == -1);
    CHECK(open("dd", O_RDWR) == -1 && open("dd", O_WRONLY) == -1 && open("dd", O_CREATE) == -1 &&
          open("dd", O_TRUNC) == -1);
    CHECK(open("dd", 0x800) == -1); // mode 0 exactly
    CHECK(open("dd", O_CREATE | O_RDWR) == -1);
    int fd = open("dd", O_RDONLY);
    CHECK(fd >= 0 && write(fd, "x", 1) == -1);
    CHECK(open(".", O_RDWR) == -1 && open("/", O_CREATE) == -1);
    CHECK(unlink("dd") == 0);
}

static int count_records(const char *path, const char *name, struct dirent *found)
{
    struct dirent d;
    int n = 0, fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    while (read(fd, &d, sizeof(d)) == sizeof(d)) {
        if (!d.inum)
            continue;
        n++;
        if (name && memcmp(d.name, name, NAME_LEN) == 0)
            *found = d;
    }
    close(fd);
    return n;
}

static void records(void)
{
    struct dirent d, f = {0};
    struct stat st;
    char name[NAME_LEN] = "file";
    CHECK(mkdir("rd") == 0);
    int fd = open("rd", O_RDONLY);
    CHECK(read(fd, &d, 16) == 16 && strcmp(d.name, ".") == 0 && stat("rd", &st) == 0 &&
          d.inum == st.ino && d.name[13] == 0);
    CHECK(read(fd, &d, 16) == 16 && strcmp(d.name, "..") == 0 && stat(".", &st) == 0 &&
          d.inum == st.ino);
    CHECK(read(fd, &d, 16) == 0);
    close(fd);
    make_file("rd/file", "x");
    make_file("rd/12345678901234", "x"); // 14: not terminated
    CHECK(count_records("rd", name, &f) == 4);
    CHECK(stat("rd/file", &st) == 0 && f.inum == st.ino);
    CHECK(count_records("rd", "12345678901234", &f) == 4);
    CHECK(stat("rd/12345678901234", &st) == 0 && f.inum == st.ino);
    CHECK(stat("rd", &st) == 0 && st.size == 4 * 16);
    // many records with one call, and a few bytes with one
    struct dirent all[8];
    fd = open("rd", O_RDONLY);
    CHECK(read(fd, all, sizeof(all)) == 4 * 16 && strcmp(all[1].name, "..") == 0);
    close(fd);
    fd = open("rd", O_RDONLY);
    char *raw = (char *)all, bytes[64];
    for (int i = 0; i < 64; i++)
        CHECK(read(fd, &bytes[i], 1) == 1);
    CHECK(read(fd, bytes, 1) == 0 && memcmp(raw, bytes, 64) == 0);
    close(fd);
    unlink("rd/file");
    unlink("rd/12345678901234");
    CHECK(unlink("rd") == 0);
}

static void every_record_can_be_opened(void)
{
    struct dirent d;
    char path[2 + NAME_LEN + 1] = "/";
    int fd = open("/", O_RDONLY), n = 0;
    CHECK(fd >= 0);
    while (read(fd, &d, sizeof(d)) == sizeof(d)) {
        struct stat st;
        memcpy(path + 1, d.name, NAME_LEN);
        path[1 + NAME_LEN] = 0;
        CHECK(stat(path, &st) == 0);
        CHECK(st.ino == d.inum);
        n++;
    }
    CHECK(n > 3);
}

static void removing(void)
{
    CHECK(mkdir("rm1") == 0 && mkdir("rm1/sub") == 0);
    CHECK(unlink("rm1") == -1); // not empty
    CHECK(unlink("rm1/.") == -1 && unlink("rm1/..") == -1 && unlink("rm1/sub/..") == -1 &&
          unlink(".") == -1 && unlink("..") == -1);
    CHECK(chdir("rm1/sub") == 0 && chdir("..") == 0);
    CHECK(unlink("sub") == 0 && chdir("sub") == -1);
    CHECK(chdir("..") == 0 && unlink("rm1") == 0);
    CHECK(chdir("rm1") == -1 && unlink("rm1") == -1);
    CHECK(unlink("/") == -1);
}

// The working directory may be removed, by its own process and by another; nothing can be made in
// it.
static void removed_working_directory(void)
{
    CHECK(mkdir("wd") == 0 && chdir("wd") == 0 && unlink("../wd") == 0);
    CHECK(open("f", O_CREATE | O_RDWR) == -1 && mkdir("d") == -1 && open("f", O_RDONLY) == -1);
    CHECK(chdir("/") == 0 && chdir("wd") == -1);
    int st, pid = fork();
    if (pid == 0) { // ends there
        CHECK(mkdir("/wd") == 0 && chdir("/wd") == 0 && unlink("../wd") == 0);
        exit(3);
    }
    CHECK(wait(&st) == pid && st == 3 && mkdir("/wd") == 0 && unlink("/wd") == 0);
    // Opened while it is being removed: for reading only, or not at all.
    CHECK(mkdir("/wd") == 0);
    pid = fork();
    if (pid == 0)
        exit(open("/wd", O_RDWR) != -1);
    CHECK(unlink("/wd") == 0 && wait(&st) == pid && st == 0);
}

// Up from a removed directory: to where it was, unless that is gone as well.
static void removed_parent(void)
{
    CHECK(mkdir("/wp") == 0 && mkdir("/wp/in") == 0 && chdir("/wp/in") == 0 &&
          unlink("/wp/in") == 0);
    CHECK(chdir("..") == 0 && mkdir("in") == 0 && chdir("in") == 0);
    CHECK(unlink("/wp/in") == 0 && unlink("/wp") == 0);
    CHECK(open("..", O_RDONLY) == -1 && open("../", O_RDONLY) == -1 && chdir("./..") == -1 &&
          open("../f", O_CREATE) == -1 && mkdir("../d") == -1 && unlink("../f") == -1);
    CHECK(chdir("/") == 0);
}

// A new file gets the lowest free inode number, and it is free again when the file is gone: small
// ones, however many files there were.
static void numbers_come_back(void)
{
    struct stat st, kept;
    unsigned first = 0;
    for (int i = 0; i < 300; i++) {
        int fd = open("in1", O_CREATE | O_RDWR);
        CHECK(fd >= 0 && fstat(fd, &st) == 0);
        first = first ? first : st.ino;
        CHECK(st.ino < first + 100);
        close(fd);
        CHECK(unlink("in1") == 0);
    }
    int open_one = open("in1", O_CREATE | O_RDWR);
    CHECK(fstat(open_one, &kept) == 0 && unlink("in1") == 0);
    int fd = open("in1", O_CREATE | O_RDWR);
    CHECK(fstat(fd, &st) == 0 && st.ino != kept.ino); // in use until it is closed
    CHECK(fstat(open_one, &st) == 0 && st.ino == kept.ino && unlink("in1") == 0);
    CHECK(stat("/", &st) == 0 && st.ino == 1);
}

// More nested directories than the teaching kernel has places for, with empty names tried in each.
static void fifty_levels(void)
{
    for (int i = 0; i < 51; i++) {
        CHECK(mkdir("nd") == 0 && chdir("nd") == 0);
        CHECK(mkdir("") == -1 && link("README", "") == -1 && open("", O_CREATE) == -1);
        int fd = open("xx", O_CREATE);
        CHECK(fd >= 0 && close(fd) == 0 && unlink("xx") == 0);
    }
    for (int i = 0; i < 51; i++)
        CHECK(chdir("..") == 0 && unlink("nd") == 0);
}

static void subdirectories(void)
{
    unlink("ff");
    CHECK(mkdir("sd") == 0);
    make_file("sd/ff", "ff");
    CHECK(unlink("sd") == -1);
    CHECK(mkdir("sd/dd") == 0);
    make_file("sd/dd/ff", "FF");
    char buf[8];
    int fd = open("sd/dd/../ff", O_RDONLY);
    CHECK(read(fd, buf, 8) == 2 && buf[0] == 'f');
    close(fd);
    CHECK(link("sd/dd/ff", "sd/dd/ffff") == 0 && unlink("sd/dd/ff") == 0);
    CHECK(open("sd/dd/ff", O_RDONLY) == -1);
    CHECK(chdir("sd") == 0 && chdir("dd/../../sd") == 0 && chdir("./..") == 0);
    CHECK(open("sd/ff/ff", O_CREATE | O_RDWR) == -1 && open("sd/xx/ff", O_CREATE | O_RDWR) == -1);
    CHECK(open("sd", O_CREATE) == -1 && open("sd", O_RDWR) == -1 && open("sd", O_WRONLY) == -1);
    CHECK(link("sd/ff/ff", "sd/dd/xx") == -1 && link("sd/xx/ff", "sd/dd/xx") == -1 &&
          link("sd/ff", "sd/dd/ffff") == -1);
    CHECK(mkdir("sd/ff/ff") == -1 && mkdir("sd/xx/ff") == -1 && mkdir("sd/dd/ffff") == -1);
    CHECK(unlink("sd/xx/ff") == -1 && unlink("sd/ff/ff") == -1 && chdir("sd/ff") == -1 &&
          chdir("sd/xx") == -1);
    CHECK(unlink("sd/dd/ffff") == 0 && unlink("sd/ff") == 0 && unlink("sd") == -1 &&
          unlink("sd/dd") == 0 && unlink("sd") == 0);
}

static void fourteen_characters(void)
{
    CHECK(mkdir("12345678901234") == 0);
    CHECK(mkdir("12345678901234/123456789012345") == 0); // cut to 14
    make_file("123456789012345/123456789012345/123456789012345", "x");
    int fd = open("12345678901234/12345678901234/12345678901234", O_RDONLY);
    CHECK(fd >= 0);
    close(fd);
    CHECK(mkdir("12345678901234/12345678901234") == -1 &&
          mkdir("123456789012345/12345678901234xyz") == -1);
    CHECK(open("12345678901234/1234567890123", O_RDONLY) == -1);
    CHECK(unlink("123456789012345/12345678901234/1234567890123499") == 0);
    CHECK(chdir("12345678901234/12345678901234") == 0 && chdir("../..") == 0);
    CHECK(unlink("12345678901234/12345678901234") == 0 && unlink("123456789012345") == 0);
}

static void path_spelling(void)
{
    char path[130];
    struct stat a, b;
    make_file("p1", "x");
    CHECK(stat("p1", &a) == 0 && stat("./././/p1", &b) == 0 && a.ino == b.ino);
    CHECK(stat("p1/", &b) == 0 && b.ino == a.ino); // slashes at the end mean nothing
    CHECK(stat("", &b) == 0 && stat(".", &a) == 0 && a.ino == b.ino); // "" is the working directory
    CHECK(mkdir("") == -1 && open("", O_CREATE) == -1 && unlink("") == -1 && chdir("") == 0);
    CHECK(stat("/..", &b) == 0 && stat("/", &a) == 0 && a.ino == b.ino && stat("///", &b) == 0);
    CHECK(chdir("p1") == -1 && open("p1/x", O_RDONLY) == -1);
    memset(path, '/', sizeof(path));
    path[0] = '.';
    strcpy(path + 125, "p1");
    CHECK(open(path, O_RDONLY) >= 0); // 127 characters
    path[127] = 'x';
    path[128] = 0; // 128: one too many
    CHECK(open(path, O_RDONLY) == -1 && unlink(path) == -1 && mkdir(path) == -1 &&
          link("p1", path) == -1 && link(path, "p2") == -1 && chdir(path) == -1 &&
          mknod(path, 1, 1) == -1);
    char *argv[] = {"x", NULL};
    CHECK(exec(path, argv) == -1);
    unlink("p1");
}

static void many_entries(void)
{
    char name[8] = "many/";
    struct dirent d;
    CHECK(mkdir("many") == 0);
    make_file("target", "");
    for (int i = 0; i < 500; i++) {
        name[5] = 'x';
        name[6] = 0;
        char full[16] = "many/x";
        full[6] = (char)('0' + i / 64);
        full[7] = (char)('0' + i % 64);
        full[8] = 0;
        CHECK(link("target", full) == 0);
    }
    CHECK(count_records("many", NULL, &d) == 502);
    CHECK(unlink("many") == -1);
    for (int i = 0; i < 500; i++) {
        char full[16] = "many/x";
        full[6] = (char)('0' + i / 64);
        full[7] = (char)('0' + i % 64);
        full[8] = 0;
        CHECK(unlink(full) == 0);
    }
    CHECK(count_records("many", NULL, &d) == 2);
    CHECK(unlink("many") == 0 && unlink("target") == 0);
}

// Reading on while entries go and come: what stays is seen once.
static void changing_while_reading(void)
{
    struct dirent d;
    char name[] = "ch/a";
    CHECK(mkdir("ch") == 0);
    for (int i = 0; i < 20; i++) {
        name[3] = (char)('a' + i);
        make_file(name, "");
    }
    int fd = open("ch", O_RDONLY), seen = 0;
    for (int i = 0; read(fd, &d, sizeof(d)) == sizeof(d); i++) {
        if (d.inum && d.name[0] != '.')
            seen++;
        if (i == 4) {
            CHECK(unlink("ch/a") == 0);
            CHECK(unlink("ch/t") == 0);
        }
    }
    CHECK(seen >= 18 && seen <= 20);
    for (int i = 1; i < 19; i++) {
        name[3] = (char)('a' + i);
        CHECK(unlink(name) == 0);
    }
    CHECK(unlink("ch") == 0);
}

const struct test dir_tests[] = {
    {"directories_open_for_reading_only", directories_open_for_reading_only},
    {"records", records},
    {"every_record_can_be_opened", every_record_can_be_opened},
    {"removing", removing},
    {"removed_working_directory", removed_working_directory},
    {"removed_parent", removed_parent},
    {"numbers_come_back", numbers_come_back},
    {"fifty_levels", fifty_levels},
    {"subdirectories", subdirectories},
    {"fourteen_characters", fourteen_characters},
    {"path_spelling", path_spelling},
    {"many_entries", many_entries},
    {"changing_while_reading", changing_while_reading},
    {NULL, NULL}};
