/* Formats of zstd before 0.8, which its decoder knows through these functions. No boot image uses
 * them, and their decoders would add more code than all the rest; each answers zstd's own "unknown
 * frame" error. Owns nothing.
 */
#include <stddef.h>

/* zstd reports errors as the negated code; 10 is ZSTD_error_prefix_unknown. */
static const size_t unknown_frame = (size_t)-10;

#define LEGACY(v)                                                                                  \
    void *ZSTDv##v##_createDCtx(void);                                                             \
    void *ZSTDv##v##_createDCtx(void)                                                              \
    {                                                                                              \
        return nullptr;                                                                            \
    }                                                                                              \
    size_t ZSTDv##v##_freeDCtx(void *ctx);                                                         \
    size_t ZSTDv##v##_freeDCtx(void *ctx)                                                          \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return 0;                                                                                  \
    }                                                                                              \
    size_t ZSTDv##v##_getFrameParams(void *params, const void *src, size_t n);                     \
    size_t ZSTDv##v##_getFrameParams(void *params, const void *src, size_t n)                      \
    {                                                                                              \
        (void)params;                                                                              \
        (void)src;                                                                                 \
        (void)n;                                                                                   \
        return unknown_frame;                                                                      \
    }                                                                                              \
    void ZSTDv##v##_findFrameSizeInfoLegacy(const void *src, size_t n, size_t *compressed,         \
                                            unsigned long long *bound);                            \
    void ZSTDv##v##_findFrameSizeInfoLegacy(const void *src, size_t n, size_t *compressed,         \
                                            unsigned long long *bound)                             \
    {                                                                                              \
        (void)src;                                                                                 \
        (void)n;                                                                                   \
        *compressed = unknown_frame;                                                               \
        *bound = (unsigned long long)-2;                                                           \
    }                                                                                              \
    size_t ZSTDv##v##_decompress_usingDict(void *ctx, void *dst, size_t cap, const void *src,      \
                                           size_t n, const void *dict, size_t dict_n);             \
    size_t ZSTDv##v##_decompress_usingDict(void *ctx, void *dst, size_t cap, const void *src,      \
                                           size_t n, const void *dict, size_t dict_n)              \
    {                                                                                              \
        (void)ctx;                                                                                 \
        (void)dst;                                                                                 \
        (void)cap;                                                                                 \
        (void)src;                                                                                 \
        (void)n;                                                                                   \
        (void)dict;                                                                                \
        (void)dict_n;                                                                              \
        return unknown_frame;                                                                      \
    }                                                                                              \
    void *ZBUFFv##v##_createDCtx(void);                                                            \
    void *ZBUFFv##v##_createDCtx(void)                                                             \
    {                                                                                              \
        return nullptr;                                                                            \
    }                                                                                              \
    size_t ZBUFFv##v##_freeDCtx(void *ctx);                                                        \
    size_t ZBUFFv##v##_freeDCtx(void *ctx)                                                         \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return 0;                                                                                  \
    }                                                                                              \
    size_t ZBUFFv##v##_decompressInitDictionary(void *ctx, const void *dict, size_t n);            \
    size_t ZBUFFv##v##_decompressInitDictionary(void *ctx, const void *dict, size_t n)             \
    {                                                                                              \
        (void)ctx;                                                                                 \
        (void)dict;                                                                                \
        (void)n;                                                                                   \
        return unknown_frame;                                                                      \
    }                                                                                              \
    size_t ZBUFFv##v##_decompressContinue(void *ctx, void *dst, size_t *dst_n, const void *src,    \
                                          size_t *src_n);                                          \
    size_t ZBUFFv##v##_decompressContinue(void *ctx, void *dst, size_t *dst_n, const void *src,    \
                                          size_t *src_n)                                           \
    {                                                                                              \
        (void)ctx;                                                                                 \
        (void)dst;                                                                                 \
        (void)src;                                                                                 \
        *dst_n = 0;                                                                                \
        *src_n = 0;                                                                                \
        return unknown_frame;                                                                      \
    }

LEGACY(05)
LEGACY(06)
LEGACY(07)
