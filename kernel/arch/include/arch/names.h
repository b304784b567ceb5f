// What others call the machine.
#pragma once

// ARCH_TREE: the prefix of its own properties and devices in a device tree ("ARCH_TREE,ndev").
#include <machine/names.h>
