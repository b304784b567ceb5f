// Manifests: what scarlet-pack.5's lines mean, carried out on a plan.
#pragma once
#include "checks.h"
#include "plan.h"

struct option_list;
struct debian;

struct build {
    struct plan *plan;
    struct checks *checks;
    struct debian *debian;
    const struct option_list *defines; // NAME=VALUE
    uint32_t time;                     // of everything, unless keep_times
    bool keep_times;                   // times of files and packages, none later than `time`
    bool trust_paths; // fuzzing: false forbids lines that run programs or read other files
};

// Reads a manifest into the plan. False: failure with file and line.
bool manifest_load(struct build *b, const char *path);
// The same from memory; `path` is for messages and relative names.
bool manifest_text(struct build *b, const char *path, const char *text, unsigned depth);

// Lines split into words: "..." with \n \t \\ \" \$ \xHH, '...' as it is, # comments, ${NAME}; a
// \ at the end of a line joins the next.
struct line {
    char **words;
    size_t count;
    unsigned number; // of its first line
};
struct lexer {
    const char *file, *at;
    unsigned number;
    const struct option_list *defines;
};
// 1 a line with words, 0 the end, -1 a failure.
int lexer_next(struct lexer *l, struct line *out);
void line_free(struct line *l);

// The attributes that may stand behind a line's own words, KEY=VALUE.
struct attributes {
    uint32_t uid, gid;
    bool owner_given, keep_owner;
    const char *abi;
    const char **only, **exclude; // NULL-ended
    bool depends, recommends;
};

// tree.c: everything below a host folder, put below `name`.
bool tree_load(struct build *b, const char *name, const char *folder, const struct attributes *a,
               const char *file, unsigned line);
// tar.c: the members of a tar archive that the attributes let through. member: only this one, put
// at `name` with `mode` (NULL: all).
bool tar_load(struct build *b, const char *tar, struct origin *origin, const struct attributes *a,
              const char *member, const char *name, uint32_t mode, const char *file, unsigned line);
// Whether only= and exclude= let a name through.
bool attributes_let(const struct attributes *a, const char *name);
uint32_t build_time(const struct build *b, int64_t own);
