// Asks the probes of the ABI folders that this tree has; the build generates the list
// (detect_abis.h: one ABI(name, NAME) each, detect_probes.h: their headers).
#include "detect.h"
#include "detect_probes.h"

enum { MACHINES = 3 };
static const u32 machines[MACHINES] = {ELF_MACHINE_RISCV, ELF_MACHINE_X86_64, ELF_MACHINE_AARCH64};

static const struct {
    const char *name, *modules[MACHINES];
    u32 order;
    int (*probe)(const struct exec_probe *p, char *why, usize cap);
} abis[] = {
#define ABI(name, NAME)                                                                            \
    {#name,                                                                                        \
     {NAME##_MODULE("riscv64"), NAME##_MODULE("x86_64"), NAME##_MODULE("aarch64")},                \
     NAME##_ORDER,                                                                                 \
     name##_probe},
#include "detect_abis.h"
#undef ABI
    {0},
};

unsigned detect_abis(void)
{
    return sizeof(abis) / sizeof(abis[0]) - 1;
}

static const char *module_name(unsigned abi, u32 machine)
{
    for (unsigned m = 0; m < MACHINES; m++)
        if (machines[m] == machine)
            return abis[abi].modules[m];
    return abis[abi].name;
}

int detect_scores(const struct exec_probe *in, struct detect_score *out)
{
    struct exec_probe p = *in;
    struct probe_verdict most = {0};
    int best = -1;
    p.head_len = p.head_len < DETECT_HEAD ? p.head_len : DETECT_HEAD;
    for (unsigned i = 0; i < detect_abis(); i++) {
        out[i] = (struct detect_score){.abi = abis[i].name, .module = module_name(i, p.machine)};
        out[i].score = abis[i].probe(&p, out[i].why, sizeof(out[i].why));
        struct probe_verdict v = {out[i].score, abis[i].order};
        if (probe_better(v, most)) {
            best = (int)i;
            most = v;
        }
    }
    return best;
}
