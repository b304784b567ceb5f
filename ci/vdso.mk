# The page of code that an ABI maps into its tasks (vDSO): abi/NAME/vdso/*.c, abi/NAME/vdso/MACHINE/*.c, *.S and vdso.lds. A machine
# without such a folder has no vDSO for that ABI.
#
# Linked as a shared object of its own, NAME-vdso.so.1, and carried in the kernel's read-only data on
# a page boundary between NAME_vdso_start and NAME_vdso_end (`extern const u8 linux_vdso_start[]`).
# <NAME_vdso.h> has the offset of each of its dynamic symbols: LINUX_VDSO___vdso_rt_sigreturn.
VDSO_TARGET_riscv64 := --target=riscv64-unknown-elf -march=rv64imac_zicsr_zifencei -mabi=lp64 -mno-relax
VDSO_LINK_riscv64 := -m elf64lriscv --no-relax
VDSO_TARGET_x86_64 := --target=x86_64-linux-gnu -march=x86-64 -mno-red-zone
VDSO_LINK_x86_64 := -m elf_x86_64 -Bsymbolic
VDSO_FLAGS = $(VDSO_TARGET_$(MACHINE)) -std=c23 -ffreestanding -fPIC \
  -O2 -g -fno-stack-protector -fno-asynchronous-unwind-tables -fno-jump-tables $(WARN)
VDSO_ABIS := $(foreach a,$(ROOM_ABIS),$(if $(wildcard abi/$(a)/vdso/$(MACHINE)/vdso.lds),$(a)))

define VDSO_RULES
VDSO_PARTS_$(1) := $$(patsubst %,$$(OBJ)/%.vdso.o,$$(wildcard abi/$(1)/vdso/*.c abi/$(1)/vdso/$$(MACHINE)/*.c abi/$(1)/vdso/$$(MACHINE)/*.S))
VDSO_OBJ_$(1) := $$(OUT)/vdso/$(1)/embed.o
VDSO_HEADER_$(1) := $$(GEN)/$(1)/$(1)_vdso.h
$$(VDSO_PARTS_$(1)): VDSO_INC := -Ikernel/lib/include -Ikernel/arch/$$(ARCH)/include -Iabi/$(1) -Iabi/$(1)/vdso -Iabi/$(1)/vdso/$$(MACHINE) -I$$(GEN)/common -I$$(GEN)/$(1)
$$(VDSO_PARTS_$(1)): $$(GEN_COMMON_STAMP) $$(GEN_STAMP_$(1))

$$(OUT)/vdso/$(1)/vdso.so: $$(VDSO_PARTS_$(1)) abi/$(1)/vdso/$$(MACHINE)/vdso.lds
	@mkdir -p $$(@D)
	@echo "  VDSO    $(1)" >&2
	@ld.lld-19 $$(VDSO_LINK_$$(MACHINE)) -shared --no-undefined --hash-style=both --build-id=sha1 --eh-frame-hdr \
	  -soname $(1)-vdso.so.1 -z max-page-size=4096 -z noexecstack --fatal-warnings -T abi/$(1)/vdso/$$(MACHINE)/vdso.lds \
	  -o $$@.debug $$(VDSO_PARTS_$(1))
	@llvm-objcopy-19 --strip-debug --remove-section=.riscv.attributes --remove-section=.comment $$@.debug $$@

$$(VDSO_OBJ_$(1)): $$(OUT)/vdso/$(1)/vdso.so
	@printf '%s\n' '.section .rodata.$(1)_vdso, "a", @progbits' '.globl $(1)_vdso_start, $(1)_vdso_end' '.balign 4096' \
	  '$(1)_vdso_start: .incbin "$$<"' '.balign 4096' '$(1)_vdso_end:' > $$(@:.o=.S)
	@$$(CLANG) $$(AFLAGS) -c $$(@:.o=.S) -o $$@

$$(VDSO_HEADER_$(1)): $$(OUT)/vdso/$(1)/vdso.so $$(GEN_STAMP_$(1))
	@mkdir -p $$(@D)
	@{ echo '#pragma once'; llvm-nm-19 -D --defined-only $$< | \
	  awk '$$$$2 ~ /[TtW]/ { split($$$$3, part, "@"); printf "#define %s_VDSO_%s 0x%s\n", toupper("$(1)"), part[1], $$$$1 }'; } > $$@
endef
$(foreach a,$(VDSO_ABIS),$(eval $(call VDSO_RULES,$(a))))

$(OBJ)/%.c.vdso.o: %.c $(FLAGS_STAMP)
	@mkdir -p $(@D)
	@echo "  CC      $<" >&2
	@$(CLANG) $(VDSO_FLAGS) $(VDSO_INC) -MMD -MP -c $< -o $@

$(OBJ)/%.S.vdso.o: %.S $(FLAGS_STAMP)
	@mkdir -p $(@D)
	@echo "  AS      $<" >&2
	@$(CLANG) $(VDSO_FLAGS) -std=gnu23 $(VDSO_INC) -D__ASSEMBLY__=1 -MMD -MP -c $< -o $@

-include $(foreach a,$(VDSO_ABIS),$(VDSO_PARTS_$(a):.o=.d))
