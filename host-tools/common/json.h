// Writes JSON to a stdio stream as it comes: no tree in memory. Keys and texts are escaped; bytes
// that are not UTF-8 come out as U+FFFD. Strings are given as C strings; `key` NULL inside arrays.
#pragma once
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *out;
    unsigned depth;
    bool any[64]; // whether this level has an element already
};

void json_start(struct json *j, FILE *out);
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_close_object(struct json *j);
void json_close_array(struct json *j);
void json_text(struct json *j, const char *key, const char *value); // NULL: null
void json_number(struct json *j, const char *key, uint64_t value);
void json_signed(struct json *j, const char *key, int64_t value);
void json_real(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
void json_finish(struct json *j); // newline and flush
