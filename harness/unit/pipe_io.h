// Reading and writing an object from the test's own memory.
#pragma once
#include "host_obj/fakes.h"
#include <object/object.h>

static inline i64 put(struct object *o, const void *p, usize n)
{
    struct iobuf b;
    iobuf_kernel(&b, (void *)(uintptr_t)p, n);
    return object_write(o, &b, NULL);
}
static inline i64 get(struct object *o, void *p, usize n)
{
    struct iobuf b;
    iobuf_kernel(&b, p, n);
    return object_read(o, &b, NULL);
}
