# How the kernel is compiled and linked.
#
# Sources are found by wildcard: every *.c and *.S under a room's folder belongs to it. Each room is
# compiled with the include paths of ci/rooms.txt and no others, so that an include that runs the
# wrong way does not compile. What the tables generate lies in build/VARIANT/gen/.

ifeq ($(filter $(VARIANT),release debug),)
$(error VARIANT must be release or debug, not "$(VARIANT)")
endif

PYTHON := /usr/bin/python3
CLANG := clang-19
OUT := build/$(VARIANT)
OBJ := $(OUT)/obj
GEN := $(OUT)/gen
KERNEL_ELF := $(OUT)/scarlet.elf
KERNEL_IMAGE := $(OUT)/scarlet

# What programs run on: the machine of the call tables and of the ABIs' own folders. A platform may differ from it (ARCH=hosted).
MACHINE ?= $(ARCH)
ROOMS_MK := build/rooms-$(ARCH)$(if $(ABIS),-$(subst $(eval) ,-,$(strip $(ABIS)))).mk
ROOMS_ERROR := $(shell mkdir -p build && { $(PYTHON) -S ci/rooms.py mk --arch $(ARCH) --machine $(MACHINE) --abis '$(ABIS)' > $(ROOMS_MK).$$$$ && \
  { cmp -s $(ROOMS_MK).$$$$ $(ROOMS_MK) && rm $(ROOMS_MK).$$$$ || mv $(ROOMS_MK).$$$$ $(ROOMS_MK); }; } 2>&1)
ifneq ($(ROOMS_ERROR),)
$(error $(ROOMS_ERROR))
endif
include $(ROOMS_MK)

# The kernel itself never touches the floating-point registers; files that save and restore them
# say `.option arch, +d` in their assembly.
TARGET := --target=riscv64-unknown-elf -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany
# clang 19 on riscv64 knows only the global guard `__stack_chk_guard`; this is where another goes.
STACK_GUARD := -fstack-protector-strong
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
  -Wimplicit-fallthrough -Wundef -Wpointer-arith -Wwrite-strings
# Release: optimised across rooms at link time (a call's way crosses five of them). Debug stays room by room.
KFLAGS_release := -flto=thin
# `function` wants data in front of every function, which assembly does not have.
KFLAGS_debug := -DCONFIG_DEBUG=1 -fsanitize=undefined -fno-sanitize=function
CONFIG_release := -DCONFIG_DEBUG=0
KFLAGS := $(TARGET) -std=c23 -ffreestanding -fno-pic -nostdlib -O2 -g -fno-omit-frame-pointer \
  -momit-leaf-frame-pointer $(STACK_GUARD) -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-common -ffunction-sections -fdata-sections -mno-relax \
  -ffile-prefix-map=$(CURDIR)=. $(CONFIG_$(VARIANT)) $(KFLAGS_$(VARIANT)) $(WARN)
AFLAGS := $(TARGET) -ffreestanding -fno-pic -g -mno-relax $(CONFIG_$(VARIANT))
LDFLAGS := -m elf64lriscv -static --discard-locals --no-relax --gc-sections --build-id=none -z max-page-size=4096 \
  -z noexecstack --fatal-warnings
LDFLAGS_release := --lto-O3
LINK_CACHE_release := --thinlto-cache-dir=$(OUT)/lto
LDSCRIPT := kernel/arch/$(ARCH)/kernel.ld

EXT := build/ext
EXT_INC_fdt := -isystem ci/ext/include -isystem $(EXT)/fdt
EXT_INC_zlib := -DZ_SOLO -isystem $(EXT)/zlib
EXT_INC_zstd := -DZSTD_STATIC_LINKING_ONLY -isystem $(EXT)/zstd

-include ci/arch-$(ARCH).mk
include ci/gen.mk
include ci/ext.mk
FLAGS_STAMP := $(OUT)/flags
include ci/vdso.mk

# --- objects of one room ---------------------------------------------------------------------
# $(1) room: its sources, its generated sources (abi rooms), its flags.
define ROOM_RULES
ROOM_ABI_$(1) := $$(if $$(filter abi/%,$$(ROOM_DIR_$(1))),$$(notdir $$(ROOM_DIR_$(1))))
ROOM_C_$(1) := $$(wildcard $$(addsuffix /*.c,$$(ROOM_SRCDIRS_$(1))))
ROOM_S_$(1) := $$(wildcard $$(addsuffix /*.S,$$(ROOM_SRCDIRS_$(1))))
ROOM_GEN_$(1) := $$(GEN_SRC_$$(ROOM_ABI_$(1))) $$(if $$(filter lib,$(1)),$$(GEN_COMMON_SRC))
ROOM_OBJS_$(1) := $$(ROOM_C_$(1):%.c=$$(OBJ)/%.o) $$(ROOM_S_$(1):%.S=$$(OBJ)/%.o) \
  $$(patsubst $$(GEN)/%.c,$$(OBJ)/gen/%.o,$$(ROOM_GEN_$(1))) $$(VDSO_OBJ_$$(ROOM_ABI_$(1)))
ROOM_FLAGS_$(1) := $$(addprefix -I,$$(ROOM_INC_$(1))) -I$$(GEN)/common \
  $$(if $$(ROOM_ABI_$(1)),-I$$(GEN)/$$(ROOM_ABI_$(1))) $$(foreach l,$$(ROOM_LIBS_$(1)),$$(EXT_INC_$$(l)))
$$(ROOM_OBJS_$(1)): ROOM_FLAGS := $$(ROOM_FLAGS_$(1))
$$(ROOM_OBJS_$(1)): $$(GEN_COMMON_STAMP) $$(GEN_STAMP_$$(ROOM_ABI_$(1))) \
  $$(VDSO_HEADER_$$(ROOM_ABI_$(1))) \
  $$(foreach l,$$(ROOM_LIBS_$(1)),$$(EXT_STAMP_$$(l)))
endef
$(foreach r,$(ROOMS),$(eval $(call ROOM_RULES,$(r))))

ALL_OBJS := $(foreach r,$(ROOMS),$(ROOM_OBJS_$(r)))
$(shell mkdir -p $(OUT) && echo '$(KFLAGS) $(AFLAGS) $(LDFLAGS) $(LDFLAGS_$(VARIANT))' > $(FLAGS_STAMP).new && \
  { cmp -s $(FLAGS_STAMP).new $(FLAGS_STAMP) || mv $(FLAGS_STAMP).new $(FLAGS_STAMP); })

$(OBJ)/%.o: %.c $(FLAGS_STAMP)
	@mkdir -p $(@D)
	@echo "  CC      $<" >&2
	@$(CLANG) $(KFLAGS) $(ROOM_FLAGS) $(FILE_FLAGS) -MMD -MP -MJ $(@:.o=.json) -c $< -o $@

$(OBJ)/%.o: %.S $(FLAGS_STAMP)
	@mkdir -p $(@D)
	@echo "  AS      $<" >&2
	@$(CLANG) $(AFLAGS) $(ROOM_FLAGS) -D__ASSEMBLY__=1 -MMD -MP -MJ $(@:.o=.json) -c $< -o $@

$(OBJ)/gen/%.o: $(GEN)/%.c $(FLAGS_STAMP)
	@mkdir -p $(@D)
	@echo "  CC      $<" >&2
	@$(CLANG) $(KFLAGS) $(ROOM_FLAGS) -MMD -MP -MJ $(@:.o=.json) -c $< -o $@

# These read whole aligned words around what they are given, which is defined only as long as the compiler cannot see both sides.
$(OBJ)/kernel/lib/string.o $(OBJ)/kernel/lib/memory.o: FILE_FLAGS := -fno-lto -fno-sanitize=address,thread
# User memory: what threads do to it at once is the program's affair.
$(OBJ)/kernel/vm/user.o: FILE_FLAGS := -fno-sanitize=thread

-include $(ALL_OBJS:.o=.d)

# --- one room by itself ----------------------------------------------------------------------
.PHONY: room-objects
room-objects: $(if $(ROOM),$(if $(filter $(subst /,_,$(ROOM)),$(ROOMS)),$(ROOM_OBJS_$(subst /,_,$(ROOM))),no-such-room),no-such-room)
.PHONY: no-such-room
no-such-room:
	@echo "make room: give ROOM=, one of: $(ROOMS)" >&2; exit 1

# --- the kernel ------------------------------------------------------------------------------
# Linked twice: the first link gives the addresses for the table of function names that
# backtraces read; the table stands behind all text, so it moves nothing.
LINK = ld.lld-19 $(LDFLAGS) $(LDFLAGS_$(VARIANT)) $(LINK_CACHE_$(VARIANT)) -T $(LDSCRIPT)
KSYMS := $(OUT)/ksyms

# Which objects: another choice of ABIs (ABIS=) leaves every object as it is and still links anew.
OBJS_STAMP := $(OUT)/objects
$(file >$(OBJS_STAMP).new,$(ALL_OBJS) $(EXT_LIB))
$(shell cmp -s $(OBJS_STAMP).new $(OBJS_STAMP) || mv $(OBJS_STAMP).new $(OBJS_STAMP))

$(OUT)/scarlet.first.elf: $(ALL_OBJS) $(EXT_LIB) $(LDSCRIPT) ci/ksyms.py $(FLAGS_STAMP) $(OBJS_STAMP)
	@echo "  LD      $@" >&2
	@$(PYTHON) -S ci/ksyms.py --empty > $(KSYMS)-empty.S
	@$(CLANG) $(AFLAGS) -c $(KSYMS)-empty.S -o $(KSYMS)-empty.o
	@$(LINK) -o $@ $(ALL_OBJS) $(KSYMS)-empty.o $(EXT_LIB)

$(KERNEL_ELF): $(OUT)/scarlet.first.elf
	@echo "  LD      $@" >&2
	@$(PYTHON) -S ci/ksyms.py $< > $(KSYMS).S
	@$(CLANG) $(AFLAGS) -c $(KSYMS).S -o $(KSYMS).o
	@$(LINK) -Map=$(OUT)/scarlet.map -o $@.part $(ALL_OBJS) $(KSYMS).o $(EXT_LIB)
	@$(PYTHON) -S ci/ksyms.py --same $< $@.part
	@mv $@.part $@

$(KERNEL_IMAGE): $(KERNEL_ELF)
	@llvm-objcopy-19 -O binary $< $@
	@echo "  IMAGE   $@ ($$(stat -c %s $@) bytes)" >&2
