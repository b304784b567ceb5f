// The line editor: emacs keys, history, completion of commands and names.
#include "sh.h"

static struct list_of_strings history;
static struct text line;
static usize cursor;
static const char *prompt_text;
enum { HISTORY_MAX = 500 };

void history_add(const char *s)
{
    if (!*s || (history.n && strcmp(history.v[history.n - 1], s) == 0))
        return;
    if (history.n == HISTORY_MAX) {
        release(history.v[0]);
        memmove(history.v, history.v + 1, history.n * sizeof(char *));
        history.n--;
    }
    strings_add(&history, copy_string(s));
    const char *home = var_get("HOME");
    if (!home)
        return;
    char *name = join_path(home, ".sh_history");
    long h = scarlet_call_open(name, SCARLET_OPEN_WRITE | SCARLET_OPEN_CREATE | SCARLET_OPEN_APPEND,
                               0600);
    if (h >= 0) {
        struct text t = {0};
        text_format(&t, "%s\n", s);
        (void)write_all((int)h, t.s, t.len);
        text_free(&t);
        scarlet_call_close((int)h);
    }
    release(name);
}

void history_load(void)
{
    const char *home = var_get("HOME");
    struct text t = {0};
    if (!home)
        return;
    char *name = join_path(home, ".sh_history");
    if (read_file(name, &t) == 0 && t.s)
        for (char *s = t.s; *s;) {
            char *end = strchr(s, '\n');
            usize n = end ? (usize)(end - s) : strlen(s);
            if (n)
                strings_add(&history, copy_part(s, n));
            s += n + (end != NULL);
        }
    while (history.n > HISTORY_MAX) {
        release(history.v[0]);
        memmove(history.v, history.v + 1, history.n * sizeof(char *));
        history.n--;
    }
    text_free(&t);
    release(name);
}

void history_show(struct io *io)
{
    for (usize i = 0; i < history.n; i++)
        io_print(io, 1, "%5lu  %s\n", i + 1, history.v[i]);
}

// --- drawing: one screen line that scrolls sideways ---
static void draw(void)
{
    struct scarlet_terminal_size size = {0};
    struct text t = {0};
    (void)scarlet_call_control(terminal, SCARLET_CONTROL_TERMINAL_SIZE, (u64)&size);
    usize width = size.columns > 20 ? size.columns : 80, room = width - 1,
          used = strlen(prompt_text) % width;
    room = room > used + 8 ? room - used : 8;
    usize from = cursor >= room ? cursor - room + 1 : 0, n = line.len - from;
    if (n > room)
        n = room;
    text_format(&t, "\r%s", prompt_text);
    if (line.s)
        text_add(&t, line.s + from, n);
    text_put(&t, "\033[K\r");
    if (used + cursor - from)
        text_format(&t, "\033[%luC", used + cursor - from);
    (void)write_all(terminal, t.s, t.len);
    text_free(&t);
}

static void insert(const char *s, usize n)
{
    text_add(&line, s, n);
    memmove(line.s + cursor + n, line.s + cursor, line.len - n - cursor);
    memcpy(line.s + cursor, s, n);
    cursor += n;
}

static void delete(usize from, usize to)
{
    memmove(line.s + from, line.s + to, line.len - to + 1);
    line.len -= to - from;
    cursor = from;
}

static void replace(const char *s)
{
    text_clear(&line);
    text_put(&line, s);
    cursor = line.len;
}

// --- completion ---
static void add_names(const char *dir, const char *start, struct list_of_strings *found,
                      bool commands)
{
    long h = scarlet_call_open(*dir ? dir : ".", SCARLET_OPEN_READ | SCARLET_OPEN_DIRECTORY, 0);
    if (h < 0)
        return;
    struct directory *d = allocate(sizeof(*d));
    d->handle = (int)h;
    while (directory_next(d) > 0) {
        if (strncmp(d->name, start, strlen(start)) != 0 || (d->name[0] == '.' && start[0] != '.'))
            continue;
        struct scarlet_metadata m;
        char *full = join_path(dir, d->name);
        bool is_dir = scarlet_call_metadata_at(HERE, *dir ? full : d->name, 0, &m) == 0 &&
                      m.type == SCARLET_TYPE_DIRECTORY;
        release(full);
        if (commands && is_dir)
            continue;
        struct text t = {0};
        text_format(&t, "%s%c", d->name, is_dir ? '/' : ' ');
        strings_add(found, t.s);
    }
    scarlet_call_close((int)h);
    release(d);
}

static void add_commands(const char *start, struct list_of_strings *found)
{
    const char *b;
    for (usize i = 0; (b = builtin_name(i)); i++)
        if (strncmp(b, start, strlen(start)) == 0) {
            struct text t = {0};
            text_format(&t, "%s ", b);
            strings_add(found, t.s);
        }
    for (const char *path = var_get("PATH"); path && *path;) {
        const char *end = strchr(path, ':');
        usize n = end ? (usize)(end - path) : strlen(path);
        char *dir = copy_part(path, n);
        add_names(dir, start, found, true);
        release(dir);
        path += n + (end != NULL);
    }
}

static void complete(void)
{
    usize from = cursor;
    while (from && !strchr(" \t;&|<>(", line.s[from - 1]))
        from--;
    char *word = copy_part(line.s ? line.s + from : "", cursor - from), *slash = strrchr(word, '/');
    usize before = from;
    while (before && (line.s[before - 1] == ' ' || line.s[before - 1] == '\t'))
        before--;
    bool command = !slash && (before == 0 || strchr(";&|(", line.s[before - 1]));
    struct list_of_strings found = {0};
    const char *start = slash ? slash + 1 : word;
    if (command) {
        add_commands(start, &found);
    } else {
        char *dir = slash ? copy_part(word, (usize)(slash - word + 1)) : copy_string("");
        add_names(dir, start, &found, false);
        release(dir);
    }
    strings_sort(found.v, found.n);
    if (found.n) {
        usize same = strlen(found.v[0]), have = strlen(start);
        for (usize i = 1; i < found.n; i++) {
            usize k = 0;
            while (k < same && found.v[i][k] == found.v[0][k])
                k++;
            same = k;
        }
        if (same > have) {
            insert(found.v[0] + have, same - have);
        } else if (found.n > 1) {
            struct text t = {0};
            text_put(&t, "\r\n");
            for (usize i = 0; i < found.n; i++)
                if (i == 0 || strcmp(found.v[i], found.v[i - 1]) != 0)
                    text_format(&t, "%s ", found.v[i]);
            text_put(&t, "\r\n");
            (void)write_all(terminal, t.s, t.len);
            text_free(&t);
        }
    }
    strings_free(&found);
    release(word);
}

// --- keys ---
enum { KEY_UP = 256, KEY_DOWN, KEY_RIGHT, KEY_LEFT, KEY_HOME, KEY_END, KEY_DELETE, KEY_NONE };

static int read_byte(void)
{
    u8 c;
    long r;
    do
        r = scarlet_call_read(terminal, &c, 1);
    while (r == -SCARLET_INTERRUPTED);
    return r == 1 ? c : -1;
}

static int read_key(void)
{
    int c = read_byte();
    if (c != 27)
        return c;
    c = read_byte();
    if (c != '[' && c != 'O')
        return KEY_NONE;
    c = read_byte();
    switch (c) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return KEY_RIGHT;
    case 'D':
        return KEY_LEFT;
    case 'H':
        return KEY_HOME;
    case 'F':
        return KEY_END;
    }
    int number = 0;
    for (; c >= '0' && c <= '9'; c = read_byte())
        number = number * 10 + c - '0';
    while (c >= 0 && c < 64)
        c = read_byte();
    return number == 1 || number == 7   ? KEY_HOME
           : number == 4 || number == 8 ? KEY_END
           : number == 3                ? KEY_DELETE
                                        : KEY_NONE;
}

// 1 line done, 0 go on, -1 end of input.
static int handle_key(int key, usize *place)
{
    switch (key) {
    case -1:
        return -1;
    case '\r':
    case '\n':
        return 1;
    case 4: // ^D
        if (!line.len)
            return -1;
        [[fallthrough]];
    case KEY_DELETE:
        if (cursor < line.len) {
            usize keep = cursor;
            delete (cursor, cursor + 1);
            cursor = keep;
        }
        return 0;
    case 3: // ^C
        (void)write_all(terminal, "^C", 2);
        text_clear(&line);
        cursor = 0;
        return 1;
    case 8:
    case 127:
        if (cursor)
            delete (cursor - 1, cursor);
        return 0;
    case 1:
    case KEY_HOME:
        cursor = 0;
        return 0;
    case 5:
    case KEY_END:
        cursor = line.len;
        return 0;
    case 2:
    case KEY_LEFT:
        cursor -= cursor > 0;
        return 0;
    case 6:
    case KEY_RIGHT:
        cursor += cursor < line.len;
        return 0;
    case 11: // ^K
        if (cursor < line.len)
            delete (cursor, line.len);
        return 0;
    case 21: // ^U
        if (cursor)
            delete (0, cursor);
        return 0;
    case 23: { // ^W
        usize from = cursor;
        while (from && line.s[from - 1] == ' ')
            from--;
        while (from && line.s[from - 1] != ' ')
            from--;
        if (from < cursor)
            delete (from, cursor);
        return 0;
    }
    case 12: // ^L
        (void)write_all(terminal, "\033[H\033[2J", 7);
        return 0;
    case 9:
        complete();
        return 0;
    case 16:
    case KEY_UP:
        if (*place > 0)
            replace(history.v[--*place]);
        return 0;
    case 14:
    case KEY_DOWN:
        if (*place < history.n) {
            ++*place;
            replace(*place < history.n ? history.v[*place] : "");
        }
        return 0;
    default:
        if (key >= 32 && key < 256) {
            char c = (char)key;
            insert(&c, 1);
        }
        return 0;
    }
}

char *edit_line(const char *prompt)
{
    long mode = scarlet_call_control(terminal, SCARLET_CONTROL_TERMINAL_MODE, 0);
    usize place = history.n;
    int r;
    prompt_text = prompt;
    text_clear(&line);
    cursor = 0;
    (void)scarlet_call_control(terminal, SCARLET_CONTROL_TERMINAL_SET_MODE,
                               SCARLET_TERMINAL_NEWLINE);
    do {
        draw();
        r = handle_key(read_key(), &place);
    } while (r == 0);
    cursor = line.len;
    draw();
    (void)write_all(terminal, "\n", 1);
    if (mode >= 0)
        (void)scarlet_call_control(terminal, SCARLET_CONTROL_TERMINAL_SET_MODE, (u64)mode);
    return r < 0 ? NULL : copy_part(line.s ? line.s : "", line.len);
}
