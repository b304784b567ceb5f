# Our programs for the xv6 ABI, as real ones are linked: ET_EXEC where programs begin, call stubs, no notes.
#   $(USER_OUT)/xv6/NAME        entered at `start`, which calls main and then exit
#   $(USER_OUT)/xv6/NAME-main   entered at main itself, as older ones are
#   $(USER_OUT)/xv6/NAME-rwx    one segment, read-write-execute, anywhere in the file (ld -N)
# The two variants are made of the test programs only.
XV6_SRC := userland/xv6
XV6_OUT := $(USER_OUT)/xv6
XV6_TARGET_riscv64 := --target=riscv64-unknown-elf -march=rv64gc -mabi=lp64d -mcmodel=medany -mno-relax
XV6_TARGET_x86_64 := --target=x86_64-unknown-elf -march=x86-64 -fno-asynchronous-unwind-tables
XV6_LINK_riscv64 := -m elf64lriscv --defsym=program_start=0
XV6_LINK_x86_64 := -m elf_x86_64 --defsym=program_start=0x10000
XV6_LIBS := start ulib calls
XV6_PROGRAMS := $(filter-out $(XV6_LIBS) xv6test_%,$(basename $(notdir $(wildcard $(XV6_SRC)/*.c))))
XV6_TEST_PARTS := $(basename $(notdir $(wildcard $(XV6_SRC)/xv6test_*.c $(XV6_SRC)/$(MACHINE)/xv6test_*.c)))
XV6_CFLAGS := $(XV6_TARGET_$(MACHINE)) -std=c23 -O1 -ffreestanding \
  -fno-common -fno-stack-protector -fno-pic -nostdlib -Wall -Wextra -Werror -Wno-infinite-recursion -I$(XV6_SRC)
XV6_LD := ld.lld-19 $(XV6_LINK_$(MACHINE)) -static --no-relax --build-id=none -z max-page-size=4096 -z nognustack --no-rosegment -T $(XV6_SRC)/user.ld
XV6_RUNTIME := $(XV6_OUT)/obj/ulib.o $(XV6_OUT)/obj/calls.o
XV6_BINARIES := $(addprefix $(XV6_OUT)/,$(XV6_PROGRAMS) xv6test-main xv6test-rwx)

.PHONY: xv6-programs
xv6-programs: $(XV6_BINARIES)

$(XV6_OUT)/obj/%.o: $(XV6_SRC)/%.c $(wildcard $(XV6_SRC)/*.h) userland/xv6.mk
	@mkdir -p $(@D)
	@clang-19 $(XV6_CFLAGS) -c $< -o $@
$(XV6_OUT)/obj/%.o: $(XV6_SRC)/$(MACHINE)/%.c $(wildcard $(XV6_SRC)/*.h) userland/xv6.mk
	@mkdir -p $(@D)
	@clang-19 $(XV6_CFLAGS) -c $< -o $@
$(XV6_OUT)/obj/%.o: $(XV6_SRC)/$(MACHINE)/%.S userland/xv6.mk
	@mkdir -p $(@D)
	@clang-19 $(XV6_CFLAGS) -c $< -o $@

$(addprefix $(XV6_OUT)/xv6test,-main -rwx) $(XV6_OUT)/xv6test: $(XV6_TEST_PARTS:%=$(XV6_OUT)/obj/%.o)
.SECONDARY: $(addprefix $(XV6_OUT)/obj/,$(addsuffix .o,$(XV6_LIBS) $(XV6_PROGRAMS) $(XV6_TEST_PARTS)))
$(XV6_OUT)/%-main: $(XV6_OUT)/obj/%.o $(XV6_RUNTIME) $(XV6_SRC)/user.ld
	@echo "  XV6     $@" >&2
	@$(XV6_LD) -e main -o $@ $(filter %.o,$^)
$(XV6_OUT)/%-rwx: $(XV6_OUT)/obj/%.o $(XV6_OUT)/obj/start.o $(XV6_RUNTIME) $(XV6_SRC)/user.ld
	@echo "  XV6     $@" >&2
	@$(XV6_LD) -N -e start -o $@ $(filter %.o,$^)
$(XV6_OUT)/%: $(XV6_OUT)/obj/%.o $(XV6_OUT)/obj/start.o $(XV6_RUNTIME) $(XV6_SRC)/user.ld
	@echo "  XV6     $@" >&2
	@$(XV6_LD) -e start -o $@ $(filter %.o,$^)
