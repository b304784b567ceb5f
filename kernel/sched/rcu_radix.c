// Radix tree nodes from a slab, given back after a grace period.
#include <mem/slab.h>
#include <sched/rcu.h>
#include <sched/rcu_radix.h>

DEFINE_SLAB(radix_slab, struct radix_node);

static struct radix_node *node_alloc(void)
{
    return slab_def_alloc(&radix_slab, ALLOC_ATOMIC);
}

static void free_now(struct rcu_head *h)
{
    slab_def_free(&radix_slab, container_of((void *)h, struct radix_node, free_link));
}

static void node_free(struct radix_node *n)
{
    static_assert(sizeof(n->free_link) >= sizeof(struct rcu_head));
    rcu_call((struct rcu_head *)(void *)n->free_link, free_now);
}

const struct radix_ops rcu_radix_ops = {.alloc = node_alloc, .free = node_free};
