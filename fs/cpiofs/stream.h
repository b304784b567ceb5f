// Private to fs/cpiofs.
#pragma once
#include "source.h"

// As cpiofs_unpack, from any stream.
[[nodiscard]] int cpio_unpack_source(struct superblock *sb, struct source *s,
                                     struct cpiofs_result *res);
