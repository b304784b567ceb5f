// kernel/lib/memory.c and string.c under other symbol names, so that they do not replace the host's
// (which the sanitizers watch). Calls go through volatile pointers: the compiler must not take them
// for its builtins.
#pragma redefine_extname memcpy kernel_memcpy
#pragma redefine_extname memmove kernel_memmove
#pragma redefine_extname memset kernel_memset
#pragma redefine_extname memcmp kernel_memcmp
#pragma redefine_extname memchr kernel_memchr
#pragma redefine_extname strlen kernel_strlen
#pragma redefine_extname strnlen kernel_strnlen
#pragma redefine_extname strcmp kernel_strcmp
#pragma redefine_extname strncmp kernel_strncmp
#pragma redefine_extname strchr kernel_strchr
#pragma redefine_extname strrchr kernel_strrchr
#pragma redefine_extname strstr kernel_strstr
#pragma redefine_extname strlcpy kernel_strlcpy
#pragma redefine_extname strlcat kernel_strlcat
#pragma redefine_extname strtoul kernel_strtoul

#include "../../../kernel/lib/memory.c"

#define word string_word
#define WORD STRING_WORD
#undef WHOLE_WORDS
#include "../../../kernel/lib/string.c"
#undef memcpy

#include "kstring.h"

#define X(type, name, args) type(*const volatile k_##name) args = name;
KSTRING_FUNCTIONS(X)
#undef X
