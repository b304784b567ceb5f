// Handles on their way: what messages of channels and local sockets carry besides bytes.
#pragma once
#include <object/object.h>

struct carried {
    struct object *object; // counted; NULL: taken out, or not filled yet
    u32 rights;
};
// Drops the references. May sleep; does not nest, however deep what they carry lies in each other.
void carried_put(struct carried *c, u32 n);
