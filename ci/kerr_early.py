#!/usr/bin/python3
"""Print <kerr.h> from the host's errno names, for a tree without the table compiler."""

import errno

names = ["E_" + n[1:] for _, n in sorted(errno.errorcode.items()) if n not in ("EWOULDBLOCK", "ENOTSUP", "EDEADLOCK")]
print("#pragma once\n\nenum kerr {\n    E_OK = 0,")
for name in names:
    print(f"    {name},")
print("    E_COUNT\n};\n\nconst char *kerr_name(enum kerr e);")
