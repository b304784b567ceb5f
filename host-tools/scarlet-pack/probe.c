// scarlet-pack probe: every program of an image, a folder or a manifest.
#include "commands.h"
#include "common/fail.h"
#include "common/json.h"
#include "setup.h"
#include <stdlib.h>
#include <string.h>

struct context {
    struct json *j;
    bool quiet;
};

static void show(void *context, const struct item *i, const struct probe_result *r)
{
    struct context *c = context;
    const char *machine = r->machine ? machine_name(r->machine) : NULL;
    if (c->j) {
        char *name = need_text("/%s", i->name);
        json_object(c->j, NULL);
        json_text(c->j, "name", name);
        json_text(c->j, "kind", r->kind);
        json_text(c->j, "abi", r->abi);
        json_number(c->j, "score", (uint64_t)r->score);
        json_text(c->j, "why", r->why);
        if (i->abi)
            json_text(c->j, "assigned", i->abi);
        if (r->machine)
            json_text(c->j, "machine", machine ? machine : "other");
        if (r->interpreter)
            json_text(c->j, "interpreter", r->interpreter);
        if (r->needed_count) {
            json_array(c->j, "needed");
            for (size_t k = 0; k < r->needed_count; k++)
                json_text(c->j, NULL, r->needed[k]);
            json_close_array(c->j);
        }
        json_close_object(c->j);
        free(name);
        return;
    }
    if (c->quiet)
        return;
    printf("%-8s %3d  %-18s /%s", r->abi ? r->abi : "-", r->score, r->kind, i->name);
    if (r->interpreter)
        printf("  [%s]", r->interpreter);
    if (!r->abi && r->why)
        printf("  (%s)", r->why);
    putchar('\n');
}

int command_probe(int argc, char **argv)
{
    struct setup s = {0};
    bool as_json = false, werror = false, done = false;
    struct option_rule rules[SETUP_RULES + 3];
    setup_rules(&s, rules);
    rules[SETUP_RULES] =
        (struct option_rule){"json", 0, OPTION_FLAG, &as_json, NULL, "as JSON", 0, 0};
    rules[SETUP_RULES + 1] = (struct option_rule){
        "werror", 0, OPTION_FLAG, &werror, NULL, "warnings count as errors", 0, 0};
    rules[SETUP_RULES + 2] = (struct option_rule){0};
    if (!command_options(&argc, argv, rules, &done))
        return report_failure();
    if (done) {
        checks_help();
        return EXIT_GOOD;
    }
    if (argc != 2) {
        complain("probe: which image or manifest?");
        return EXIT_USAGE;
    }
    struct plan p = {0};
    if (!setup_start(&s))
        return report_failure();
    s.checks.silent = as_json;
    if (!setup_load(&s, &p, argv[1]) || !plan_finish(&p))
        return report_failure();
    struct json json;
    struct context c = {.j = as_json ? &json : NULL, .quiet = s.quiet};
    if (c.j) {
        json_start(c.j, stdout);
        json_object(c.j, NULL);
        json_array(c.j, "files");
    }
    bool ok = checks_probe(&s.checks, &p, show, &c);
    if (c.j) {
        json_close_array(c.j);
        json_array(c.j, "findings");
        for (size_t i = 0; i < s.checks.count; i++) {
            json_object(c.j, NULL);
            json_text(c.j, "check", check_name(s.checks.found[i].class));
            json_text(c.j, "text", s.checks.found[i].text);
            json_close_object(c.j);
        }
        json_close_array(c.j);
        json_close_object(c.j);
        json_finish(c.j);
    }
    if (!ok)
        return report_failure();
    return s.checks.errors || (werror && s.checks.warnings) ? EXIT_FOUND : EXIT_GOOD;
}
