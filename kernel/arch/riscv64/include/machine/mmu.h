// riscv64: encoding of page-table entries (Sv39/Sv48, privileged specification chapter
// "Supervisor-Level ISA").
#pragma once
#include <lib/types.h>

#define RV_PTE_V 1ul
#define RV_PTE_R 2ul
#define RV_PTE_W 4ul
#define RV_PTE_X 8ul
#define RV_PTE_U 16ul
#define RV_PTE_G 32ul
#define RV_PTE_A 64ul
#define RV_PTE_D 128ul
#define RV_PTE_SOFT 256ul   // RSW bit 0: copy-on-write mark in leaves
#define RV_PTE_PARKED 512ul // RSW bit 1: table pointer hidden from the hardware (V clear)

extern u32 arch_pt_levels_; // 3 or 4, constant after boot
extern u64 arch_user_top_;  // end of user addresses

static inline u32 pt_levels(void)
{
    return arch_pt_levels_;
}
static inline u64 arch_user_top(void)
{
    return arch_user_top_;
}
static inline usize pt_index(u64 va, u32 level)
{
    return (va >> (12 + 9 * level)) & 511;
}
static inline pte_t pte_leaf(paddr_t pa, u32 prot)
{
    u64 e = (pa >> 12) << 10 | RV_PTE_V | RV_PTE_A;
    if (prot & PTE_PROT_READ)
        e |= RV_PTE_R;
    if (prot & PTE_PROT_WRITE)
        e |= RV_PTE_R | RV_PTE_W | RV_PTE_D;
    if (prot & PTE_PROT_EXEC)
        e |= RV_PTE_X;
    return e | (prot & PTE_PROT_USER ? RV_PTE_U : RV_PTE_G);
}
static inline pte_t pte_table(paddr_t table)
{
    return (table >> 12) << 10 | RV_PTE_V;
}
static inline pte_t pte_table_parked(paddr_t table)
{
    return (table >> 12) << 10 | RV_PTE_PARKED;
}
static inline pte_t pte_special(u64 bits)
{
    return bits << 10 | RV_PTE_R;
}
static inline bool pte_none(pte_t e)
{
    return e == 0;
}
static inline bool pte_present(pte_t e)
{
    return e & RV_PTE_V;
}
static inline bool pte_is_leaf(pte_t e)
{
    return (e & RV_PTE_V) && (e & (RV_PTE_R | RV_PTE_X));
}
static inline bool pte_is_parked(pte_t e)
{
    return (e & (RV_PTE_V | RV_PTE_R | RV_PTE_PARKED)) == RV_PTE_PARKED;
}
static inline bool pte_is_table(pte_t e)
{
    return (e & (RV_PTE_V | RV_PTE_R | RV_PTE_X)) == RV_PTE_V || pte_is_parked(e);
}
static inline bool pte_is_special(pte_t e)
{
    return (e & (RV_PTE_V | RV_PTE_R)) == RV_PTE_R;
}
static inline u64 pte_special_bits(pte_t e)
{
    return e >> 10;
}
static inline paddr_t pte_addr(pte_t e)
{
    return (e >> 10 & ((1ul << 44) - 1)) << 12;
}
static inline u32 pte_prot(pte_t e)
{
    return (e & RV_PTE_R ? PTE_PROT_READ : 0u) | (e & RV_PTE_W ? PTE_PROT_WRITE : 0u) |
           (e & RV_PTE_X ? PTE_PROT_EXEC : 0u) | (e & RV_PTE_U ? PTE_PROT_USER : 0u);
}
static inline bool pte_writable(pte_t e)
{
    return e & RV_PTE_W;
}
static inline bool pte_readable(pte_t e)
{
    return e & RV_PTE_R;
}
static inline bool pte_user(pte_t e)
{
    return e & RV_PTE_U;
}
static inline bool pte_dirty(pte_t e)
{
    return e & RV_PTE_D;
}
static inline pte_t pte_wrprotect(pte_t e)
{
    return e & ~RV_PTE_W;
}
static inline pte_t pte_mkwrite(pte_t e)
{
    return e | RV_PTE_W | RV_PTE_D;
}
static inline pte_t pte_mkclean(pte_t e)
{
    return e & ~RV_PTE_D;
}
static inline bool pte_soft(pte_t e)
{
    return e & RV_PTE_SOFT;
}
static inline pte_t pte_set_soft(pte_t e)
{
    return e | RV_PTE_SOFT;
}
static inline pte_t pte_clear_soft(pte_t e)
{
    return e & ~RV_PTE_SOFT;
}
