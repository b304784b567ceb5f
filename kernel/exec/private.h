// Private to the exec room.
#pragma once
#include <exec/exec.h>
// Is the opened file one that may be executed? Fills attr. -E_ACCES.
[[nodiscard]] int exec_check_file(struct object *file, struct attr *attr);
