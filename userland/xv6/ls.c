// ls [NAME...]: name, type, inode number, size; a directory's entries.
#include "ulib.h"

static void show(const char *name, const struct stat *st)
{
    char padded[NAME_LEN + 1];
    memset(padded, ' ', NAME_LEN);
    padded[NAME_LEN] = 0;
    for (int i = 0; i < NAME_LEN && name[i]; i++)
        padded[i] = name[i];
    printf("%s %d %u %lu\n", strlen(name) > NAME_LEN ? name : padded, st->type, st->ino, st->size);
}

static const char *base(const char *path)
{
    const char *b = path;
    for (const char *p = path; *p; p++)
        if (*p == '/' && p[1])
            b = p + 1;
    return b;
}

static int list_dir(int fd, const char *path)
{
    char full[128];
    struct dirent d;
    size_t n = strlen(path);
    if (n + 1 + NAME_LEN + 1 > sizeof(full)) {
        fprintf(2, "ls: path too long\n");
        return 1;
    }
    strcpy(full, path);
    full[n++] = '/';
    int bad = 0;
    while (read(fd, &d, sizeof(d)) == sizeof(d)) {
        struct stat st;
        if (!d.inum)
            continue;
        memcpy(full + n, d.name, NAME_LEN);
        full[n + NAME_LEN] = 0;
        if (stat(full, &st) < 0) {
            fprintf(2, "ls: cannot stat %s\n", full);
            bad = 1;
            continue;
        }
        show(full + n, &st);
    }
    return bad;
}

static int list(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY), bad = 0;
    if (fd < 0 || fstat(fd, &st) < 0) {
        fprintf(2, "ls: cannot open %s\n", path);
        bad = 1;
    } else if (st.type == T_DIR) {
        bad = list_dir(fd, path);
    } else {
        show(base(path), &st);
    }
    if (fd >= 0)
        close(fd);
    return bad;
}

int main(int argc, char **argv)
{
    int bad = argc < 2 ? list(".") : 0;
    for (int i = 1; i < argc; i++)
        bad |= list(argv[i]);
    return bad;
}
