// Nodes for radix trees that are read under RCU.
#pragma once
#include <lib/radix.h>

// Allocates without sleeping (trees are changed under spinlocks); frees after a grace period.
extern const struct radix_ops rcu_radix_ops;
