// How well a file fits the native ABI: by its mark in the ELF header. Pure: also compiled into the
// offline probe.
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

int scarlet_probe(const struct exec_probe *p, char *why, usize cap)
{
    struct elf_summary s;
    if (elf_summarise(p->head, p->head_len, p->size, &s) != ELF_OK)
        return verdict(0, why, cap, "not a sound ELF file");
    if (s.class != ELF_CLASS64 || s.data != ELF_LITTLE || s.machine != p->machine)
        return verdict(0, why, cap, "for another machine");
    if (s.type != ELF_TYPE_EXEC && s.type != ELF_TYPE_DYN)
        return verdict(0, why, cap, "not an executable");
    if (s.osabi != ELF_OSABI_SCARLET)
        return verdict(0, why, cap, "without the native mark (OS/ABI byte 83)");
    if (!s.head_has_segments || !s.has_load)
        return verdict(90, why, cap, "native mark");
    return verdict(95, why, cap, "native mark and sound segments");
}
