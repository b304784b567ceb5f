// The line editor: emacs keys, history and searching in it. Text is UTF-8; the cursor stands on
// characters.
#include "sh.h"

static struct list_of_strings history;
static struct text line;
static usize cursor;
static const char *prompt_text;
bool edit_given_up;
static struct text killed;     // what ^Y brings back
static struct text unfinished; // the line that was left for the history
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

// --- characters ---
static bool inside(usize at) // in the middle of a character
{
    return at < line.len && ((u8)line.s[at] & 0xc0) == 0x80;
}
static usize left_of(usize at)
{
    do
        at -= at > 0;
    while (inside(at));
    return at;
}
static usize right_of(usize at)
{
    do
        at += at < line.len;
    while (inside(at));
    return at;
}
static bool in_word(usize at)
{
    u8 c = (u8)line.s[at];
    return c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}
static usize word_left(usize at)
{
    while (at && !in_word(at - 1))
        at--;
    while (at && in_word(at - 1))
        at--;
    return at;
}
static usize word_right(usize at)
{
    while (at < line.len && !in_word(at))
        at++;
    while (at < line.len && in_word(at))
        at++;
    return at;
}
static usize characters(const char *s, usize n)
{
    usize count = 0;
    for (usize i = 0; i < n; i++)
        count += ((u8)s[i] & 0xc0) != 0x80;
    return count;
}

// --- drawing: one screen line that scrolls sideways ---
static void draw(void)
{
    struct scarlet_terminal_size size = {0};
    struct text t = {0};
    (void)scarlet_call_control(terminal, SCARLET_CONTROL_TERMINAL_SIZE, (u64)&size);
    usize width = size.columns > 20 ? size.columns : 80, room = width - 1,
          used = characters(prompt_text, strlen(prompt_text)) % width;
    room = room > used + 8 ? room - used : 8;
    usize before = line.s ? characters(line.s, cursor) : 0,
          skip = before >= room ? before - room + 1 : 0, from = 0, to, shown = 0;
    for (usize i = 0; i < skip; i++)
        from = right_of(from);
    for (to = from; to < line.len && shown < room; shown++)
        to = right_of(to);
    text_format(&t, "\r%s", prompt_text);
    if (line.s)
        text_add(&t, line.s + from, to - from);
    text_put(&t, "\033[K\r");
    if (used + before - skip)
        text_format(&t, "\033[%luC", used + before - skip);
    (void)write_all(terminal, t.s, t.len);
    text_free(&t);
}

void edit_insert(const char *s, usize n)
{
    text_add(&line, s, n);
    memmove(line.s + cursor + n, line.s + cursor, line.len - n - cursor);
    memcpy(line.s + cursor, s, n);
    cursor += n;
}

static void delete(usize from, usize to)
{
    if (from >= to)
        return;
    memmove(line.s + from, line.s + to, line.len - to + 1);
    line.len -= to - from;
    cursor = from;
}

static void kill_text(usize from, usize to)
{
    if (from >= to)
        return;
    text_clear(&killed);
    text_add(&killed, line.s + from, to - from);
    delete (from, to);
}

static void replace(const char *s)
{
    text_clear(&line);
    text_put(&line, s);
    cursor = line.len;
}

static void leave_for_history(usize place)
{
    if (place != history.n)
        return;
    text_clear(&unfinished);
    text_put(&unfinished, line.s ? line.s : "");
}

// --- keys ---
enum {
    KEY_UP = 256,
    KEY_DOWN,
    KEY_RIGHT,
    KEY_LEFT,
    KEY_HOME,
    KEY_END,
    KEY_DELETE,
    KEY_WORD_LEFT,
    KEY_WORD_RIGHT,
    KEY_KILL_WORD_LEFT,
    KEY_KILL_WORD_RIGHT,
    KEY_NONE
};

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
    switch (c) {
    case 'b':
        return KEY_WORD_LEFT;
    case 'f':
        return KEY_WORD_RIGHT;
    case 'd':
        return KEY_KILL_WORD_RIGHT;
    case 127:
    case 8:
        return KEY_KILL_WORD_LEFT;
    case '[':
    case 'O':
        break;
    default:
        return KEY_NONE;
    }
    int number = 0, modifier = 0;
    for (c = read_byte(); c >= 0 && c < 64; c = read_byte()) {
        if (c == ';')
            modifier = 1;
        else if (!modifier && c >= '0' && c <= '9' && number < 1000)
            number = number * 10 + c - '0';
    }
    switch (c) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return modifier ? KEY_WORD_RIGHT : KEY_RIGHT;
    case 'D':
        return modifier ? KEY_WORD_LEFT : KEY_LEFT;
    case 'H':
        return KEY_HOME;
    case 'F':
        return KEY_END;
    case '~':
        return number == 1 || number == 7   ? KEY_HOME
               : number == 4 || number == 8 ? KEY_END
               : number == 3                ? KEY_DELETE
                                            : KEY_NONE;
    default:
        return KEY_NONE;
    }
}

static int handle_key(int key, usize *place);

// ^R: the newest older line that holds what is typed; ^R again goes on, ^G and ^C give up, any
// other key takes the line and counts.
static int search(usize *place)
{
    struct text what = {0}, shown = {0}, was = {0};
    const char *prompt = prompt_text;
    usize at = *place;
    int key, r = 0;
    text_put(&was, line.s ? line.s : "");
    leave_for_history(*place);
    for (;;) {
        text_clear(&shown);
        text_format(&shown, "(search) %s: ", what.s ? what.s : "");
        prompt_text = shown.s;
        draw();
        key = read_key();
        usize from = at;
        if (key == 18)
            from = at ? at - 1 : 0;
        else if ((key == 8 || key == 127) && what.len)
            what.s[--what.len] = 0;
        else if (key >= 32 && key < 256 && key != 127)
            text_char(&what, (char)key);
        else
            break;
        for (usize i = from < history.n ? from + 1 : history.n; what.len && i > 0; i--)
            if (strstr(history.v[i - 1], what.s)) {
                at = i - 1;
                replace(history.v[at]);
                break;
            }
    }
    prompt_text = prompt;
    if (key == 7 || key == 3)
        replace(was.s);
    else {
        *place = at;
        r = handle_key(key, place);
    }
    text_free(&what);
    text_free(&shown);
    text_free(&was);
    return r;
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
        delete (cursor, right_of(cursor));
        return 0;
    case 3: // ^C
        edit_given_up = true;
        (void)write_all(terminal, "^C", 2);
        text_clear(&line);
        cursor = 0;
        return 1;
    case 8:
    case 127:
        delete (left_of(cursor), cursor);
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
        cursor = left_of(cursor);
        return 0;
    case 6:
    case KEY_RIGHT:
        cursor = right_of(cursor);
        return 0;
    case 11: // ^K
        kill_text(cursor, line.len);
        return 0;
    case 21: // ^U
        kill_text(0, cursor);
        return 0;
    case 23: { // ^W
        usize from = cursor;
        while (from && line.s[from - 1] == ' ')
            from--;
        while (from && line.s[from - 1] != ' ')
            from--;
        kill_text(from, cursor);
        return 0;
    }
    case KEY_WORD_LEFT:
        cursor = word_left(cursor);
        return 0;
    case KEY_WORD_RIGHT:
        cursor = word_right(cursor);
        return 0;
    case KEY_KILL_WORD_LEFT:
        kill_text(word_left(cursor), cursor);
        return 0;
    case KEY_KILL_WORD_RIGHT:
        kill_text(cursor, word_right(cursor));
        return 0;
    case 25: // ^Y
        if (killed.len)
            edit_insert(killed.s, killed.len);
        return 0;
    case 18: // ^R
        return search(place);
    case 12: // ^L
        (void)write_all(terminal, "\033[H\033[2J", 7);
        return 0;
    case 9:
        complete(line.s ? line.s : "", cursor);
        return 0;
    case 16:
    case KEY_UP:
        leave_for_history(*place);
        if (*place > 0)
            replace(history.v[--*place]);
        return 0;
    case 14:
    case KEY_DOWN:
        if (*place < history.n) {
            ++*place;
            replace(*place < history.n ? history.v[*place] : unfinished.s ? unfinished.s : "");
        }
        return 0;
    default:
        if (key >= 32 && key < 256) {
            char c = (char)key;
            edit_insert(&c, 1);
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
    text_clear(&unfinished);
    edit_given_up = false;
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
