// Reads JSON (RFC 8259) into a tree. Depth is bounded; the tree lives in one arena and points into
// the text where it can.
#pragma once
#include "util.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
struct json_node {
    enum json_kind kind;
    const char *key;  // in an object
    const char *text; // JSON_STRING
    i64 number;       // JSON_NUMBER (fractions are cut off; unsigned 64-bit values as their bits),
                      // JSON_BOOL
    struct json_node *first, *next;
};
struct json_tree {
    struct json_node *root;
    void *arena;
};
// False: *where is the offset and *why the reason.
bool json_read(struct bytes text, struct json_tree *t, u64 *where, const char **why);
void json_free(struct json_tree *t);
const struct json_node *json_get(const struct json_node *object, const char *key); // NULL if absent
const char *json_string(const struct json_node *object,
                        const char *key); // NULL if absent or no string
i64 json_int(const struct json_node *object, const char *key, i64 otherwise);
