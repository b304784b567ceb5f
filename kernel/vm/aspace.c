// Life of address spaces: making, ending, activating; looking at their areas.
// users counts tasks: at zero everything is unmapped. refs counts everybody (users together hold
// one): at zero the memory goes.
#include "area.h"
#include "pt.h"
#include <kerr.h>
#include <mem/slab.h>

DEFINE_SLAB(aspace_cache, struct aspace);

int vm_init(void)
{
    struct frame *f = frame_alloc(0, ALLOC_ZERO);
    if (!f)
        return -E_NOMEM;
    f->flags |= FRAME_RESERVED; // entries that show it own no reference
    zero_page_pa = frame_to_phys(f);
    memobj_init_reclaim();
    return 0;
}

int aspace_create(struct aspace **out)
{
    struct aspace *as = slab_def_alloc(&aspace_cache, ALLOC_USER);
    if (!as)
        return -E_NOMEM;
    struct frame *root = frame_alloc(0, ALLOC_ZERO | ALLOC_USER);
    if (!root) {
        slab_def_free(&aspace_cache, as);
        return -E_NOMEM;
    }
    *as = (struct aspace){.stack_limit = ~0ul, .as_limit = ~0ul, .data_limit = ~0ul};
    pt_table_init(root);
    arch_aspace_init(&as->arch, frame_to_phys(root));
    refcount_set(&as->users, 1);
    refcount_set(&as->refs, 1);
    rwlock_init(&as->lock, &lock_class_aspace);
    spin_init(&as->pt_lock, &lock_class_pagetable);
    as->mmap_base = ALIGN_DOWN(arch_user_top() - arch_user_top() / 64, PAGE_SIZE);
    *out = as;
    return 0;
}

void aspace_get(struct aspace *as)
{
    refcount_inc(&as->refs);
}

void aspace_put(struct aspace *as)
{
    if (!refcount_dec_and_test(&as->refs))
        return;
    struct frame *root = phys_to_frame(as->arch.root);
    root->flags &= (u16)~FRAME_TABLE;
    frame_account(FRAME_USE_TABLE, -1);
    frame_put(root); // not all zero: it has the kernel's half
    slab_def_free(&aspace_cache, as);
}

void aspace_get_user(struct aspace *as)
{
    refcount_inc(&as->users);
}

void aspace_put_user(struct aspace *as)
{
    if (!refcount_dec_and_test(&as->users))
        return;
    arch_aspace_retire(&as->arch);
    struct list dead;
    list_init(&dead);
    write_lock(&as->lock); // against readers from outside: /proc, truncation
    spin_lock(&as->pt_lock);
    pt_teardown(as);
    spin_unlock(&as->pt_lock);
    for (struct rb_node *n = rb_first_postorder(&as->areas), *next; n; n = next) {
        next = rb_next_postorder(n);
        struct vma *v = area_of(n);
        area_unlink_object(v);
        list_add_tail(&dead, &v->object_link);
    }
    as->areas.node = NULL;
    as->area_count = 0;
    zones_free(as);
    as->total_pages = as->locked_pages = as->data_pages = as->exec_pages = as->stack_pages = 0;
    write_unlock(&as->lock);
    areas_free(&dead);
    if (as->exe && as->exe_put)
        as->exe_put(as->exe);
    as->exe = NULL;
    aspace_put(as);
}

void aspace_activate(struct aspace *as)
{
    irqflags_t f = arch_irq_save();
    current()->mmu = as ? &as->arch : NULL;
    arch_aspace_switch(as ? &as->arch : NULL);
    arch_irq_restore(f);
}

int aspace_for_each(struct aspace *as, int (*fn)(const struct vma *v, void *arg), void *arg)
{
    int ret = 0;
    read_lock(&as->lock);
    for (struct rb_node *n = rb_first(&as->areas); n && !ret; n = rb_next(n))
        ret = fn(area_of(n), arg);
    read_unlock(&as->lock);
    return ret;
}

u64 vma_resident(const struct vma *v)
{
    struct aspace *as = v->aspace;
    u64 count = 0;
    for (u64 addr = v->start; addr < v->end;) {
        u64 span = PT_SPAN;
        spin_lock(&as->pt_lock);
        pte_t *slot = pt_slot(as, addr, &span);
        u64 next = MIN(v->end, ALIGN_DOWN(addr, span) + span);
        if (slot) {
            const pte_t *p = pt_of(pte_load(slot)) + pt_index(addr, 0);
            for (u64 n = (next - addr) >> PAGE_SHIFT; n; n--, p++) {
                pte_t e = pte_load(p);
                count += !pte_none(e) && entry_pa(e) != zero_page_pa;
            }
        }
        spin_unlock(&as->pt_lock);
        addr = next;
    }
    return count;
}
