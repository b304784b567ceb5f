// ext2 images through the distribution's own mke2fs and debugfs.
#pragma once
#include "plan.h"

// size: as mke2fs takes it ("64M"), NULL: what the plan needs. False: failure.
bool ext2_write(struct plan *p, const char *path, const char *size, uint32_t time,
                uint64_t *written);
