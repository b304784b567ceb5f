// How well a file fits Linux. Pure: also compiled into the offline probe.
#include "probe.h"

static int verdict(int score, char *why, usize cap, const char *text)
{
    usize i = 0;
    if (why && cap) {
        for (; text[i] && i + 1 < cap; i++)
            why[i] = text[i];
        why[i] = 0;
    }
    return score;
}

int linux_probe(const struct exec_probe *p, char *why, usize cap)
{
    struct elf_summary s;
    if (elf_summarise(p->head, p->head_len, p->size, &s) != ELF_OK)
        return verdict(0, why, cap, "not a sound ELF file");
    if (s.class != ELF_CLASS64 || s.data != ELF_LITTLE || s.machine != p->machine)
        return verdict(0, why, cap, "for another machine");
    if (s.type != ELF_TYPE_EXEC && s.type != ELF_TYPE_DYN)
        return verdict(0, why, cap, "not an executable");
    if (s.osabi != ELF_OSABI_NONE && s.osabi != ELF_OSABI_GNU)
        return verdict(0, why, cap, "marked for another system");
    if (s.osabi == ELF_OSABI_GNU)
        return verdict(85, why, cap, "ELF marked GNU/Linux");
    if (s.has_interp)
        return verdict(75, why, cap, "dynamic ELF with an interpreter");
    if (s.type == ELF_TYPE_DYN)
        return verdict(60, why, cap, "position-independent ELF without a system's mark");
    if (s.head_has_segments && s.has_load && s.lowest_load < 0x1000)
        return verdict(20, why, cap, "static ELF linked at address zero");
    return verdict(50, why, cap, "static ELF without a system's mark");
}
