// scarlet-pack list.
#include "commands.h"
#include "common/fail.h"
#include "common/files.h"
#include "common/json.h"
#include "common/options.h"
#include "image.h"
#include "index.h"
#include "newc_read.h"
#include "newc_write.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct row {
    const char *name, *target, *link;
    uint32_t mode, uid, gid, mtime, major, minor, nlink;
    uint64_t size, header_at, data_at;
};

static char type_letter(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return 'd';
    case S_IFLNK:
        return 'l';
    case S_IFCHR:
        return 'c';
    case S_IFBLK:
        return 'b';
    case S_IFIFO:
        return 'p';
    case S_IFSOCK:
        return 's';
    default:
        return '-';
    }
}

static void mode_text(uint32_t mode, char out[11])
{
    static const char bits[] = "rwxrwxrwx";
    out[0] = type_letter(mode);
    for (int i = 0; i < 9; i++)
        out[1 + i] = mode & (0400u >> i) ? bits[i] : '-';
    if (mode & S_ISUID)
        out[3] = mode & S_IXUSR ? 's' : 'S';
    if (mode & S_ISGID)
        out[6] = mode & S_IXGRP ? 's' : 'S';
    if (mode & S_ISVTX)
        out[9] = mode & S_IXOTH ? 't' : 'T';
    out[10] = 0;
}

// Bytes that a terminal might take for more than a name are shown as \xHH.
static void put_name(const char *name)
{
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        if (c < 0x20 || c == 0x7f || c == '\\')
            printf("\\x%02x", c);
        else
            putchar(c);
    }
}

static void print(const struct row *r, bool details, bool offsets)
{
    if (details) {
        char mode[11], size[32];
        mode_text(r->mode, mode);
        if (S_ISCHR(r->mode) || S_ISBLK(r->mode))
            snprintf(size, sizeof(size), "%u,%u", r->major, r->minor);
        else
            snprintf(size, sizeof(size), "%llu", (unsigned long long)r->size);
        printf("%s %3u %5u %5u %10s ", mode, r->nlink, r->uid, r->gid, size);
    }
    if (offsets)
        printf("%10llu %10llu ", (unsigned long long)r->header_at, (unsigned long long)r->data_at);
    putchar('/');
    put_name(r->name);
    if (details && r->target) {
        printf(" -> ");
        put_name(r->target);
    }
    if (details && r->link) {
        printf(" = /");
        put_name(r->link);
    }
    putchar('\n');
}

static void json_row(struct json *j, const struct row *r)
{
    static const char *const types[][2] = {{"d", "directory"}, {"l", "link"}, {"c", "char"},
                                           {"b", "block"},     {"p", "fifo"}, {"s", "socket"},
                                           {"-", "file"}};
    char mode[8], *name = need_text("/%s", r->name);
    snprintf(mode, sizeof(mode), "%04o", r->mode & 07777);
    json_object(j, NULL);
    json_text(j, "name", name);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i][0][0] == type_letter(r->mode))
            json_text(j, "type", types[i][1]);
    json_text(j, "mode", mode);
    json_number(j, "uid", r->uid);
    json_number(j, "gid", r->gid);
    json_number(j, "mtime", r->mtime);
    json_number(j, "links", r->nlink);
    json_number(j, "size", r->size);
    json_number(j, "header_offset", r->header_at);
    if (r->data_at)
        json_number(j, "data_offset", r->data_at);
    if (r->target)
        json_text(j, "target", r->target);
    if (r->link)
        json_text(j, "same_file_as", r->link);
    if (S_ISCHR(r->mode) || S_ISBLK(r->mode)) {
        json_number(j, "major", r->major);
        json_number(j, "minor", r->minor);
    }
    json_close_object(j);
    free(name);
}

static struct row row_of(const struct item *i)
{
    const struct content *c = item_content(i);
    return (struct row){.name = i->name,
                        .mode = i->mode,
                        .uid = i->uid,
                        .gid = i->gid,
                        .mtime = i->mtime,
                        .major = i->rdev_major,
                        .minor = i->rdev_minor,
                        .size = c->size,
                        .nlink = 1,
                        .target = S_ISLNK(i->mode) ? c->bytes : NULL,
                        .link = i->leader ? i->leader->name : NULL,
                        .header_at = i->header_at,
                        .data_at = S_ISREG(i->mode) && c->kind == CONTENT_SPAN ? c->offset
                                   : S_ISREG(i->mode) && c->size               ? i->data_at
                                                                               : 0};
}

static bool wanted(char **patterns, int count, const char *name)
{
    bool fit = count == 0;
    for (int i = 0; i < count && !fit; i++)
        fit = pattern_fits(patterns[i], name);
    return fit;
}

// Every header as it stands, repeated names and indexes included.
static int raw(const char *path, char **patterns, int count, bool details, bool offsets,
               struct json *j)
{
    struct source *s = source_open(path);
    struct reader r;
    int n;
    if (!s)
        return report_failure();
    reader_start(&r, s);
    while ((n = reader_next(&r)) > 0) {
        const struct entry *e = &r.e;
        char target[4096] = "";
        if (S_ISLNK(e->mode) && reader_data(&r, target, e->size) < 0) {
            n = -1;
            break;
        }
        const struct row row = {.name = e->name,
                                .mode = e->mode,
                                .uid = e->uid,
                                .gid = e->gid,
                                .mtime = e->mtime,
                                .major = e->rdev_major,
                                .minor = e->rdev_minor,
                                .nlink = e->nlink,
                                .size = e->size,
                                .header_at = e->offset,
                                .data_at = e->size ? e->data_at : 0,
                                .target = S_ISLNK(e->mode) ? target : NULL};
        if (!wanted(patterns, count, e->name))
            continue;
        if (j)
            json_row(j, &row);
        else
            print(&row, details, offsets);
    }
    source_close(s);
    return n < 0 ? report_failure() : EXIT_GOOD;
}

// One name through the index: no other header is read. -1: the image has none, or is not a plain
// file.
static int indexed(const char *path, const char *name, bool details, bool offsets, struct json *j)
{
    char *clean;
    int fd = open(path, O_RDONLY | O_CLOEXEC), status = -1;
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) ||
        !plan_clean_name(name, &clean)) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    struct index_entry e;
    bool usable;
    int found = index_find(fd, (uint64_t)info.st_size, clean, &e, &usable);
    if (found < 0) {
        failed_in("%s", path);
        status = report_failure();
    } else if (usable && !found) {
        complain("%s: there is no /%s", path, clean);
        status = EXIT_FOUND;
    } else if (usable) {
        char target[4096] = "";
        const bool link = S_ISLNK(e.mode) && e.size < sizeof(target) &&
                          read_exactly(fd, target, e.size, e.data_at);
        struct row row = {.name = clean,
                          .mode = e.mode,
                          .uid = e.uid,
                          .gid = e.gid,
                          .size = e.size,
                          .nlink = 1,
                          .header_at = e.header_at,
                          .data_at = link ? 0 : e.data_at,
                          .target = link ? target : NULL};
        char head[NEWC_HEADER + 1] = "";
        if (read_exactly(fd, head, NEWC_HEADER, e.header_at))
            (void)sscanf(head + 38, "%8x%8x%*8x%*8x%*8x%8x%8x", &row.nlink, &row.mtime, &row.major,
                         &row.minor);
        if (j)
            json_row(j, &row);
        else
            print(&row, details, offsets);
        status = EXIT_GOOD;
    }
    close(fd);
    return status;
}

static int merged(const char *path, char **patterns, int count, bool details, bool offsets,
                  struct json *j)
{
    struct plan p = {0};
    if (!image_load(&p, path, false) || !plan_finish(&p))
        return report_failure();
    size_t shown = 0;
    for (size_t i = 0; i < p.count; i++) {
        struct item *leader = p.items[i]->leader ? p.items[i]->leader : p.items[i];
        leader->nlink = 0;
    }
    for (size_t i = 0; i < p.count; i++)
        (p.items[i]->leader ? p.items[i]->leader : p.items[i])->nlink++;
    for (size_t i = 0; i < p.count; i++) {
        if (p.items[i]->implied || !wanted(patterns, count, p.items[i]->name))
            continue;
        struct row row = row_of(p.items[i]);
        row.nlink = (p.items[i]->leader ? p.items[i]->leader : p.items[i])->nlink;
        if (j)
            json_row(j, &row);
        else
            print(&row, details, offsets);
        shown++;
    }
    if (!shown && count) {
        complain("%s: no name fits", path);
        return EXIT_FOUND;
    }
    return EXIT_GOOD;
}

int command_list(int argc, char **argv)
{
    bool details = false, offsets = false, as_json = false, headers = false, done = false;
    const struct option_rule rules[] = {
        {"long", 'l', OPTION_FLAG, &details, NULL, "modes, owners, sizes, targets", 0, 0},
        {"offsets", 'o', OPTION_FLAG, &offsets, NULL, "where header and data stand", 0, 0},
        {"headers", 0, OPTION_FLAG, &headers, NULL, "every header, replaced and repeated ones too",
         0, 0},
        {"json", 0, OPTION_FLAG, &as_json, NULL, "as a JSON array", 0, 0},
        {0},
    };
    if (!command_options(&argc, argv, rules, &done))
        return report_failure();
    if (done)
        return EXIT_GOOD;
    if (argc < 2) {
        complain("list: which image?");
        return EXIT_USAGE;
    }
    struct json json, *j = as_json ? &json : NULL;
    if (j) {
        json_start(j, stdout);
        json_array(j, NULL);
    }
    int status = -1;
    if (argc == 3 && !headers && !strpbrk(argv[2], "*?["))
        status = indexed(argv[1], argv[2], details, offsets, j);
    if (status < 0)
        status = headers ? raw(argv[1], argv + 2, argc - 2, details, offsets, j)
                         : merged(argv[1], argv + 2, argc - 2, details, offsets, j);
    if (j) {
        json_close_array(j);
        json_finish(j);
    }
    return status;
}
