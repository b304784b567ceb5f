// Names of this machine, as text.
#pragma once

#define ARCH_TREE "x86" // as in arch/names.h
