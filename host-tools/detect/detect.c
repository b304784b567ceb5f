// Asks the probes of the ABI folders that this tree has; the build generates the list
// (detect_abis.h: one ABI(name) each).
#include "detect.h"
#include <string.h>

#define ABI(name) int name##_probe(const struct exec_probe *p, char *why, usize cap);
#include "detect_abis.h"
#undef ABI

static const struct {
    const char *name;
    int (*probe)(const struct exec_probe *p, char *why, usize cap);
} abis[] = {
#define ABI(name) {#name, name##_probe},
#include "detect_abis.h"
#undef ABI
    {NULL, NULL},
};

unsigned detect_abis(void)
{
    return sizeof(abis) / sizeof(abis[0]) - 1;
}

int detect_scores(const u8 *head, usize len, u64 size, const char *path, u32 machine,
                  struct detect_score *out)
{
    struct exec_probe p = {.head = head,
                           .head_len = len < DETECT_HEAD ? len : DETECT_HEAD,
                           .size = size,
                           .path = path,
                           .machine = machine};
    int best = -1;
    for (unsigned i = 0; i < detect_abis(); i++) {
        out[i] = (struct detect_score){.abi = abis[i].name};
        out[i].score = abis[i].probe(&p, out[i].why, sizeof(out[i].why));
        if (out[i].score > 0 && (best < 0 || out[i].score > out[best].score))
            best = (int)i;
    }
    return best;
}
