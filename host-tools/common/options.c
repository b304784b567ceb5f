// See options.h.
#include "options.h"
#include "fail.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool store(const struct option_rule *r, const char *shown, const char *value)
{
    switch (r->kind) {
    case OPTION_FLAG:
        *(bool *)r->to = true;
        return true;
    case OPTION_TEXT:
        *(const char **)r->to = value;
        return true;
    case OPTION_LIST: {
        struct option_list *l = r->to;
        l->at = need_again(l->at, (l->count + 1) * sizeof(*l->at));
        l->at[l->count++] = value;
        return true;
    }
    case OPTION_NUMBER: {
        char *end;
        errno = 0;
        long long v = strtoll(value, &end, 0);
        if (errno || end == value || *end || v < r->low || v > r->high)
            return failed(EXIT_USAGE, "%s: not a number from %lld to %lld: %s", shown, r->low,
                          r->high, value);
        *(long long *)r->to = v;
        return true;
    }
    }
    return false;
}

static bool long_option(char **argv, int count, int *at, const struct option_rule *rules)
{
    const char *word = argv[*at] + 2, *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    for (const struct option_rule *r = rules; r->name; r++) {
        if (strlen(r->name) != n || memcmp(r->name, word, n) != 0)
            continue;
        if (r->kind == OPTION_FLAG)
            return equals ? failed(EXIT_USAGE, "--%s takes no value", r->name)
                          : store(r, r->name, NULL);
        if (!equals && *at + 1 >= count)
            return failed(EXIT_USAGE, "--%s needs a value (%s)", r->name, r->value);
        return store(r, argv[*at], equals ? equals + 1 : argv[++*at]);
    }
    return failed(EXIT_USAGE, "unknown option --%.*s (--help lists them)", (int)n, word);
}

static bool short_options(char **argv, int count, int *at, const struct option_rule *rules)
{
    for (const char *p = argv[*at] + 1; *p; p++) {
        const struct option_rule *r = rules;
        while (r->name && r->letter != *p)
            r++;
        if (!r->name)
            return failed(EXIT_USAGE, "unknown option -%c (--help lists them)", *p);
        if (r->kind == OPTION_FLAG) {
            if (!store(r, r->name, NULL))
                return false;
            continue;
        }
        if (!p[1] && *at + 1 >= count)
            return failed(EXIT_USAGE, "-%c needs a value (%s)", *p, r->value);
        char shown[] = {'-', *p, 0};
        return store(r, shown, p[1] ? p + 1 : argv[++*at]);
    }
    return true;
}

bool options_parse(int *argc, char **argv, const struct option_rule *rules)
{
    int kept = 1, count = *argc;
    for (int i = 1; i < count; i++) {
        if (strcmp(argv[i], "--") == 0) {
            for (i++; i < count; i++)
                argv[kept++] = argv[i];
            break;
        }
        if (argv[i][0] != '-' || !argv[i][1]) {
            argv[kept++] = argv[i];
            continue;
        }
        if (!(argv[i][1] == '-' ? long_option(argv, count, &i, rules)
                                : short_options(argv, count, &i, rules)))
            return false;
    }
    argv[kept] = NULL;
    *argc = kept;
    return true;
}

void options_help(const struct option_rule *rules)
{
    for (const struct option_rule *r = rules; r->name; r++) {
        char left[80];
        snprintf(left, sizeof(left), "%c%c%s --%s%s%s", r->letter ? '-' : ' ',
                 r->letter ? r->letter : ' ', r->letter ? "," : " ", r->name,
                 r->kind == OPTION_FLAG ? "" : " ", r->kind == OPTION_FLAG ? "" : r->value);
        printf("  %-28s %s\n", left, r->help);
    }
}
