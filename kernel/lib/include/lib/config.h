// Build variant as a constant, so that code tests it with `if` and both variants always compile.
#pragma once

#if defined(CONFIG_DEBUG) && CONFIG_DEBUG
enum { CONFIG_DEBUG_ON = 1 };
#else
enum { CONFIG_DEBUG_ON = 0 };
#endif
