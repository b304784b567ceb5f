// abinames: a directory whose entries lead to the programs of every ABI, wherever they lie. Entries
// are magic links: they are followed to a place in the program's own view, so that they work from
// every view. Nothing is stored; each look asks the directories anew. The directory's mutex is of a
// class of its own, outside those of real directories and of a base tree that is an overlay, which
// are read while it is held.
#include <abinames/names.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <vfs/fs.h>

enum { ABINAMES_MAGIC = 0x6e616d65, MAX_DIRS = 32, COOKIE_SHIFT = 48, FIRST_POS = 2 };

struct name_node {
    struct node node; // first
    u32 abi;
    char *program; // of entries
};

static const char SHELL[] = "sh"; // what the ABI's name alone stands for

static const struct abinames_source *source;
static struct superblock *instance;
static struct mount *shown;
static struct mutex make_mutex = MUTEX_INIT(make_mutex, &lock_class_names_dir);

static const struct node_ops root_ops, entry_ops;

void abinames_set_source(const struct abinames_source *s)
{
    source = s;
}

static void node_gone(struct node *n)
{
    struct name_node *x = (struct name_node *)(void *)n;
    kfree(x->program);
    kfree(x);
}

// --- finding ---------------------------------------------------------------------------------

static bool is_program(const struct path *p)
{
    return node_type(path_node(p)) == MODE_REG && (node_mode(path_node(p)) & 0111);
}

// The program `name` in one directory: counted place. Links in it are followed inside its own tree.
static int find_in(const struct path *root, const char *dir, const char *name, usize len, u32 flags,
                   struct path *out)
{
    usize dlen = strcmp(dir, "/") ? strlen(dir) : 0;
    char *text = kmalloc(dlen + len + 2, 0);
    if (!text)
        return -E_NOMEM;
    memcpy(text, dir, dlen);
    text[dlen] = '/';
    memcpy(text + dlen + 1, name, len);
    text[dlen + 1 + len] = 0;
    int err =
        path_lookup(root, (struct pathname){text, dlen + 1 + len}, flags | LOOKUP_IN_ROOT, out);
    kfree(text);
    return err;
}

static int find_program(u32 abi, const char *name, usize len, struct path *out)
{
    char dir[ABINAMES_DIR_MAX];
    struct path root;
    for (u32 i = 0; i < MAX_DIRS; i++) {
        int err = source->place(abi, i, dir, &root);
        if (err == -E_RANGE)
            break;
        if (err)
            continue;
        err = find_in(&root, dir, name, len, LOOKUP_FOLLOW, out);
        path_put(&root);
        if (err == -E_NOMEM)
            return err;
        if (!err && is_program(out))
            return 0;
        if (!err)
            path_put(out);
    }
    return -E_NOENT;
}

// Which ABI and program a generated name speaks of; *program points into name or to a constant.
static bool split(const char *name, usize len, u32 *abi, const char **program, usize *program_len)
{
    usize n;
    const char *s;
    for (u32 i = 0; (s = source->abi(i, &n)); i++) {
        if (len < n || memcmp(name, s, n) || (len > n && name[n] != '_') || len == n + 1)
            continue;
        *abi = i;
        *program = len == n ? SHELL : name + n + 1;
        *program_len = len == n ? sizeof(SHELL) - 1 : len - n - 1;
        return true;
    }
    return false;
}

static struct name_node *make_node(const struct node_ops *ops, u32 mode)
{
    struct name_node *x = kzalloc(sizeof(*x), 0);
    if (!x)
        return NULL;
    node_init(&x->node, instance, ops, mode);
    return x;
}

static u64 number_of(const char *name, usize len)
{
    return dentry_hash_name(name, len) >> 16 | 1; // the same for listing and looking
}

static int names_lookup(struct node *dir, const struct pathname *name, struct node **out)
{
    u32 abi;
    const char *program;
    usize len;
    struct path place;
    (void)dir;
    if (!split(name->str, name->len, &abi, &program, &len))
        return -E_NOENT;
    int err = find_program(abi, program, len, &place);
    if (err)
        return err;
    path_put(&place);
    struct name_node *x = make_node(&entry_ops, MODE_LNK | 0777);
    if (!x)
        return -E_NOMEM;
    x->node.ino = number_of(name->str, name->len);
    x->abi = abi;
    x->program = kmalloc(len + 1, 0);
    if (!x->program) {
        node_put(&x->node);
        return -E_NOMEM;
    }
    memcpy(x->program, program, len);
    x->program[len] = 0;
    atomic_fetch_or_explicit(&x->node.flags, NODE_MAGIC, memory_order_relaxed);
    *out = &x->node;
    return 0;
}

static int names_follow(struct node *n, struct path *out)
{
    struct name_node *x = (struct name_node *)(void *)n;
    return find_program(x->abi, x->program, strlen(x->program), out);
}

const char *abinames_program(const char *name)
{
    u32 abi;
    const char *program;
    usize len;
    return source && split(name, strlen(name), &abi, &program, &len) ? program : NULL;
}

// --- listing ---------------------------------------------------------------------------------

struct lister {
    struct dir_sink sink;
    struct dir_sink *to;
    const char *abi;
    usize abi_len;
    u64 place;       // of the directory, in the high bits of positions
    u32 number, dir; // dir 0 is the ABI's own name, then its program directories
};

// Does an earlier directory of the same ABI have the name? Then it was listed there.
static bool seen_before(struct lister *l, const char *name, usize len)
{
    char dir[ABINAMES_DIR_MAX];
    for (u32 i = 0; i + 1 < l->dir; i++) {
        struct path root, p;
        if (source->place(l->number, i, dir, &root))
            continue;
        int err = find_in(&root, dir, name, len, 0, &p);
        path_put(&root);
        if (!err) {
            path_put(&p);
            return true;
        }
    }
    return false;
}

struct taken { // names of one batch, so that no real directory is locked while they are looked at
    struct dir_sink sink;
    u32 count;
    struct {
        u64 cookie;
        u32 len;
        char name[NAME_MAX_LEN + 1];
    } *names;
};
enum { BATCH = 32 };

static bool take(struct dir_sink *s, const char *name, usize len, u64 ino, u32 type, u64 cookie)
{
    struct taken *t = (struct taken *)(void *)s;
    (void)ino;
    if (t->count == BATCH)
        return false;
    if (type == MODE_DIR >> 12)
        len = 0; // keeps its position, is not listed
    t->names[t->count].cookie = cookie;
    t->names[t->count].len = (u32)len;
    memcpy(t->names[t->count].name, name, len);
    t->count++;
    return true;
}

// Not every file beside the programs is one.
static bool can_be_found(const struct lister *l, const char *program, usize len)
{
    struct path p;
    if (find_program(l->number, program, len, &p))
        return false;
    path_put(&p);
    return true;
}

// Lists one program directory from *pos on. 1: the reader is full; 0: all listed.
static int list_dir(struct lister *l, const struct path *at, u64 *pos, struct taken *t)
{
    char text[NAME_MAX_LEN + 1];
    struct node *n = path_node(at);
    for (;;) {
        t->count = 0;
        u64 cookie = *pos;
        mutex_lock(&n->mutex);
        int err = n->ops->readdir ? n->ops->readdir(n, &cookie, &t->sink) : 0;
        mutex_unlock(&n->mutex);
        if (err)
            return err;
        if (!t->count)
            return 0;
        for (u32 i = 0; i < t->count; i++) {
            usize len = t->names[i].len;
            if (len && l->abi_len + 1 + len <= NAME_MAX_LEN &&
                !seen_before(l, t->names[i].name, len) && can_be_found(l, t->names[i].name, len)) {
                memcpy(text, l->abi, l->abi_len);
                text[l->abi_len] = '_';
                memcpy(text + l->abi_len + 1, t->names[i].name, len);
                usize whole = l->abi_len + 1 + len;
                if (!l->to->emit(l->to, text, whole, number_of(text, whole), MODE_LNK >> 12,
                                 l->place | t->names[i].cookie))
                    return 1;
            }
            *pos = t->names[i].cookie;
        }
    }
}

// Lists the ABI's own name, its shell. 1: the reader is full.
static int list_shell(struct lister *l, u64 *pos)
{
    struct path sh;
    if (*pos != FIRST_POS || find_program(l->number, SHELL, sizeof(SHELL) - 1, &sh))
        return 0;
    path_put(&sh);
    if (!l->to->emit(l->to, l->abi, l->abi_len, number_of(l->abi, l->abi_len), MODE_LNK >> 12,
                     l->place | (FIRST_POS + 1)))
        return 1;
    *pos = FIRST_POS + 1;
    return 0;
}

// Lists one program directory. 1: the reader is full; -E_RANGE: there is none of that number.
static int list_programs(struct lister *l, u64 *pos, struct taken *t)
{
    char name[ABINAMES_DIR_MAX];
    struct path root, at;
    int err = source->place(l->number, l->dir - 1, name, &root);
    if (!err) {
        err = path_lookup(&root, (struct pathname){name, strlen(name)},
                          LOOKUP_FOLLOW | LOOKUP_DIRECTORY | LOOKUP_IN_ROOT, &at);
        path_put(&root);
    }
    if (err)
        return err == -E_RANGE ? err : 0;
    err = list_dir(l, &at, pos, t);
    path_put(&at);
    return err;
}

// A position: number of the ABI, of its directory, and the directory's own.
static int names_readdir(struct node *dir, u64 *cookie, struct dir_sink *sink)
{
    struct taken t = {.sink.emit = take, .names = kmalloc(BATCH * sizeof(*t.names), 0)};
    struct lister l = {.to = sink};
    int err = 0;
    (void)dir;
    if (!t.names)
        return -E_NOMEM;
    u32 place = (u32)(*cookie >> COOKIE_SHIFT);
    u64 pos = *cookie & ((1ul << COOKIE_SHIFT) - 1);
    l.dir = place % MAX_DIRS;
    for (l.number = place / MAX_DIRS; !err && (l.abi = source->abi(l.number, &l.abi_len));
         l.number++, l.dir = 0) {
        for (; !err && l.dir < MAX_DIRS; l.dir++) {
            l.place = (u64)(l.number * MAX_DIRS + l.dir) << COOKIE_SHIFT;
            if (l.place >> COOKIE_SHIFT != place)
                pos = FIRST_POS;
            err = l.dir ? list_programs(&l, &pos, &t) : list_shell(&l, &pos);
            *cookie = l.place | pos;
        }
        if (err == -E_RANGE)
            err = 0;
    }
    kfree(t.names);
    return err < 0 ? err : 0;
}

static const struct node_ops root_ops = {
    .lookup = names_lookup, .readdir = names_readdir, .free = node_gone};
static const struct node_ops entry_ops = {.follow = names_follow, .free = node_gone};

// --- the instance ----------------------------------------------------------------------------

static const struct superblock_ops names_superblock_ops = {0};
static const struct filesystem_type names_type;

static int make_instance(void)
{
    struct superblock *sb =
        superblock_create(&names_type, &names_superblock_ops, ABINAMES_MAGIC, NULL);
    if (!sb)
        return -E_NOMEM;
    atomic_store_explicit(&sb->flags, SB_RDONLY | SB_KEEP | SB_ACROSS, memory_order_relaxed);
    instance = sb;
    struct name_node *x = make_node(&root_ops, MODE_DIR | 0555);
    int err = x ? 0 : -E_NOMEM;
    if (!err) {
        mutex_init(&x->node.mutex, &lock_class_names_dir);
        atomic_store_explicit(&x->node.flags, NODE_NO_NEGATIVE, memory_order_relaxed);
        err = fs_make_root(sb, &x->node);
    }
    if (!err)
        err = mount_kernel(sb, &shown);
    if (err) {
        superblock_shutdown(sb);
        superblock_put(sb);
        instance = NULL;
    }
    return err;
}

int abinames_root(struct path *out)
{
    int err = source ? 0 : -E_NODEV;
    mutex_lock(&make_mutex);
    if (!err && !instance)
        err = make_instance();
    mutex_unlock(&make_mutex);
    if (err)
        return err;
    *out = (struct path){shown, instance->root};
    path_get(out);
    return 0;
}

static int names_mount(const struct filesystem_type *t, const struct fs_source *src,
                       struct superblock **out)
{
    struct path root;
    (void)t;
    (void)src;
    int err = abinames_root(&root);
    if (err)
        return err;
    superblock_get(instance);
    *out = instance;
    path_put(&root);
    return 0;
}

static const struct filesystem_type names_type = {
    .name = "abinames", .flags = FS_NODEV, .mount = names_mount};
FILESYSTEM_TYPE(names_type);
