// The words of the kernel command line that the kernel itself knows. docs/run.md lists them.
#include "init.h"
#include <lib/parse.h>
#include <lib/string.h>
#include <sync/log.h>
#include <syscall/dispatch.h>

struct boot_options options;

static bool is(const struct cmdline_word *w, const char *name)
{
    return w->name_len == strlen(name) && memcmp(w->name, name, w->name_len) == 0;
}

static void keep(char *dst, usize cap, const struct cmdline_word *w)
{
    if (!w->value || w->value_len >= cap) {
        klog(LOG_WARN, "command line: the value of a word is missing or too long: %s", w->name);
        return;
    }
    memcpy(dst, w->value, w->value_len);
    dst[w->value_len] = 0;
}

static void number(const struct cmdline_word *w, void (*use)(i64))
{
    i64 v;
    if (!w->value || parse_i64(w->value, w->value_len, 10, &v))
        klog(LOG_WARN, "command line: not a number: %s", w->name);
    else
        use(v);
}

static void set_loglevel(i64 v)
{
    log_set_console_level((u32)(v < 0 ? 0 : v > 8 ? 8 : v));
}

void options_parse(const char *line)
{
    struct cmdline_word w;
    while (cmdline_next(&line, &w)) {
        if (is(&w, "init")) {
            keep(options.init, sizeof(options.init), &w);
        } else if (is(&w, "quiet")) {
            log_set_console_level(LOG_WARN);
        } else if (is(&w, "debug")) {
            log_set_console_level(LOG_DEBUG + 1);
        } else if (is(&w, "loglevel")) {
            number(&w, set_loglevel);
        } else if (is(&w, "panic")) {
            number(&w, panic_set_action);
        } else if (is(&w, "trace")) {
            keep(options.trace, sizeof(options.trace), &w);
            syscall_trace_select(options.trace);
        }
    }
}
