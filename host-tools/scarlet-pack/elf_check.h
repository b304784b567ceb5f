// Binaries of an image: who takes them, what they need. Private to the checks.
#pragma once
#include "checks.h"

struct elf_check;
struct elf_check *elf_check_start(struct checks *c, const struct plan *p);
bool elf_check_file(struct elf_check *e, const struct item *i, probe_report *report, void *context);
void elf_check_end(struct elf_check *e);
