# The native library and programs: $(USER_OUT)/overlay/system/scarlet/... is what goes into the boot image.
#
# Programs are position-independent and static; the linker marks them with the OS/ABI byte of mark.o, which comes last.
USER_OUT := build$(if $(filter-out $(ARCH),$(MACHINE)),/$(ARCH))/userland
USER_ABI := $(USER_OUT)/gen
USER_OVERLAY := $(USER_OUT)/overlay
USER_BIN := $(USER_OVERLAY)/system/scarlet/bin
USER_TARGET_riscv64 := --target=riscv64-unknown-elf -march=rv64gc -mabi=lp64d
USER_TARGET_x86_64 := --target=x86_64-unknown-elf -march=x86-64 -fno-asynchronous-unwind-tables
USER_FLAGS := $(USER_TARGET_$(MACHINE)) -std=c23 -O2 -g -ffreestanding -fpie -fno-stack-protector \
  -fvisibility=hidden -ffunction-sections -fdata-sections -fno-strict-aliasing -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
  -Wmissing-prototypes -Wvla -Wimplicit-fallthrough -ffile-prefix-map=$(CURDIR)=. -Iuserland/libscarlet/include -Iuserland/libscarlet/$(MACHINE) -I$(USER_ABI) -Iuserland/scarlet
USER_LD := ld.lld-19 -pie --no-dynamic-linker -z text -z noexecstack -z max-page-size=4096 --gc-sections --build-id=none --hash-style=gnu

LIBSCARLET_SRC := $(wildcard userland/libscarlet/*.c)
LIBSCARLET_OBJ := $(LIBSCARLET_SRC:userland/%.c=$(USER_OUT)/obj/%.o) $(USER_OUT)/obj/libscarlet/start_asm.o \
  $(USER_OUT)/obj/libscarlet/stubs.o $(USER_OUT)/obj/libscarlet/status.o
LIBSCARLET := $(USER_OUT)/libscarlet.a
USER_MARK := $(USER_OUT)/mark.o
# A program is one file, or a folder whose files are linked together.
USER_PROGRAMS := $(patsubst userland/scarlet/%.c,%,$(wildcard userland/scarlet/*.c)) $(filter-out etc,$(notdir $(patsubst %/,%,$(wildcard userland/scarlet/*/))))

.PHONY: userland
userland: $(addprefix $(USER_BIN)/,$(USER_PROGRAMS)) ## native programs, into build/userland/overlay
	@mkdir -p $(USER_OVERLAY)/system/scarlet/etc && cp -u userland/scarlet/etc/* $(addprefix userland/image/etc/,passwd group hostname) \
	  $(USER_OVERLAY)/system/scarlet/etc/

$(USER_ABI)/stamp: syscall-tables/errors.sct syscall-tables/scarlet.sct $(wildcard syscall-tables/scarlet/*.sct) userland/libscarlet/status.py \
  userland/libscarlet/mark.py $(wildcard syscall-tables/gen/*.py syscall-tables/gen/emit/*.py)
	@mkdir -p $(@D)
	@echo "  TABLES  scarlet (programs)" >&2
	@syscall-tables/sctc compile --abi scarlet --arch $(MACHINE) --product consts --product types --product stubs --out $(@D) syscall-tables/errors.sct \
	  syscall-tables/scarlet.sct
	@$(PYTHON) userland/libscarlet/status.py syscall-tables/errors.sct $(@D)
	@touch $@
$(USER_ABI)/status.c $(USER_ABI)/scarlet_stubs.S: $(USER_ABI)/stamp;

$(USER_MARK): userland/libscarlet/mark.py $(USER_ABI)/stamp
	@$(PYTHON) $< $$(awk '$$2 == "SCARLET_ELF_OSABI" {printf "%d", $$3}' $(USER_ABI)/scarlet_consts.h) $(MACHINE) $@

$(USER_OUT)/obj/%.o: userland/%.c $(USER_ABI)/stamp userland/userland.mk
	@mkdir -p $(@D)
	@echo "  CC      $<" >&2
	@$(CLANG) $(USER_FLAGS) -MMD -MP -c $< -o $@
$(USER_OUT)/obj/libscarlet/status.o: $(USER_ABI)/status.c
	@$(CLANG) $(USER_FLAGS) -c $< -o $@
$(USER_OUT)/obj/libscarlet/stubs.o: $(USER_ABI)/scarlet_stubs.S
	@mkdir -p $(@D)
	@$(CLANG) $(USER_FLAGS) -c $< -o $@
$(USER_OUT)/obj/libscarlet/start_asm.o: userland/libscarlet/$(MACHINE)/start.S
	@mkdir -p $(@D)
	@$(CLANG) $(USER_FLAGS) -c $< -o $@

$(LIBSCARLET): $(LIBSCARLET_OBJ)
	@rm -f $@
	@llvm-ar-19 rcs $@ $^

define USER_PROGRAM
USER_OBJ_$(1) := $(patsubst userland/%.c,$(USER_OUT)/obj/%.o,$(wildcard userland/scarlet/$(1).c userland/scarlet/$(1)/*.c))
$(USER_BIN)/$(1): $$(USER_OBJ_$(1)) $(LIBSCARLET) $(USER_MARK)
	@mkdir -p $$(@D)
	@echo "  LD      $(1)" >&2
	@$(USER_LD) -o $(USER_OUT)/$(1).debug $$(USER_OBJ_$(1)) $(USER_OUT)/obj/libscarlet/start_asm.o $(LIBSCARLET) $(USER_MARK)
	@$(USER_LD) -s -o $$@ $$(USER_OBJ_$(1)) $(USER_OUT)/obj/libscarlet/start_asm.o $(LIBSCARLET) $(USER_MARK)
-include $$(USER_OBJ_$(1):.o=.d)
endef
$(foreach p,$(USER_PROGRAMS),$(eval $(call USER_PROGRAM,$(p))))
-include $(LIBSCARLET_OBJ:.o=.d)
