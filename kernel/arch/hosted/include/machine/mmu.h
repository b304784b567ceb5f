// Page tables of the hosted kernel: read by software only. Host processes hold copies of their
// entries as host mappings, as a processor's translation buffer does.
//
// An entry: bits 12.. address, low bits as below. Four levels of 512.
#pragma once
#include <lib/types.h>

#define HP_PRESENT 1ul
#define HP_READ 2ul
#define HP_WRITE 4ul
#define HP_EXEC 8ul
#define HP_USER 16ul
#define HP_LEAF 32ul
#define HP_DIRTY 64ul
#define HP_SOFT 128ul
#define HP_PARKED 256ul  // table pointer that the walk does not follow
#define HP_SPECIAL 512ul // bits 10.. are the kernel's own

static inline u32 pt_levels(void)
{
    return 4;
}
static inline u64 arch_user_top(void)
{
    return USER_TOP;
}
static inline usize pt_index(u64 va, u32 level)
{
    return (va >> (12 + 9 * level)) & 511;
}
static inline pte_t pte_leaf(paddr_t pa, u32 prot)
{
    u64 e = pa | HP_PRESENT | HP_LEAF;
    if (prot & PTE_PROT_READ)
        e |= HP_READ;
    if (prot & PTE_PROT_WRITE)
        e |= HP_READ | HP_WRITE | HP_DIRTY;
    if (prot & PTE_PROT_EXEC)
        e |= HP_EXEC;
    return prot & PTE_PROT_USER ? e | HP_USER : e;
}
static inline pte_t pte_table(paddr_t table)
{
    return table | HP_PRESENT;
}
static inline pte_t pte_table_parked(paddr_t table)
{
    return table | HP_PARKED;
}
static inline pte_t pte_special(u64 bits)
{
    return bits << 10 | HP_SPECIAL;
}
static inline bool pte_none(pte_t e)
{
    return e == 0;
}
static inline bool pte_present(pte_t e)
{
    return e & HP_PRESENT;
}
static inline bool pte_is_leaf(pte_t e)
{
    return (e & (HP_PRESENT | HP_LEAF)) == (HP_PRESENT | HP_LEAF);
}
static inline bool pte_is_special(pte_t e)
{
    return (e & (HP_PRESENT | HP_SPECIAL)) == HP_SPECIAL;
}
static inline bool pte_is_parked(pte_t e)
{
    return (e & (HP_PRESENT | HP_PARKED | HP_SPECIAL)) == HP_PARKED;
}
static inline bool pte_is_table(pte_t e)
{
    return (e & (HP_PRESENT | HP_LEAF)) == HP_PRESENT || pte_is_parked(e);
}
static inline u64 pte_special_bits(pte_t e)
{
    return e >> 10;
}
static inline paddr_t pte_addr(pte_t e)
{
    return e & ~0xffful;
}
static inline u32 pte_prot(pte_t e)
{
    return (e & HP_READ ? PTE_PROT_READ : 0u) | (e & HP_WRITE ? PTE_PROT_WRITE : 0u) |
           (e & HP_EXEC ? PTE_PROT_EXEC : 0u) | (e & HP_USER ? PTE_PROT_USER : 0u);
}
static inline bool pte_writable(pte_t e)
{
    return e & HP_WRITE;
}
static inline bool pte_readable(pte_t e)
{
    return e & HP_READ;
}
static inline bool pte_user(pte_t e)
{
    return e & HP_USER;
}
static inline bool pte_dirty(pte_t e)
{
    return e & HP_DIRTY;
}
static inline pte_t pte_wrprotect(pte_t e)
{
    return e & ~HP_WRITE;
}
static inline pte_t pte_mkwrite(pte_t e)
{
    return e | HP_WRITE | HP_DIRTY;
}
static inline pte_t pte_mkclean(pte_t e)
{
    return e & ~HP_DIRTY;
}
static inline bool pte_soft(pte_t e)
{
    return e & HP_SOFT;
}
static inline pte_t pte_set_soft(pte_t e)
{
    return e | HP_SOFT;
}
static inline pte_t pte_clear_soft(pte_t e)
{
    return e & ~HP_SOFT;
}
