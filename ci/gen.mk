# What the syscall tables generate: gen/common/ for every room (<kerr.h>), gen/ABI/ for one ABI.
# Generated sources are C files of that ABI's room; the *_check.c files hold assertions against
# real Linux headers and are compiled by the table compiler's tests, not into the kernel.

SCTC := syscall-tables/sctc
SCT_SOURCES := $(SCTC) $(shell find syscall-tables -name '*.sct' -o -name '*.numbers' -o -path '*/gen/*.py' 2>/dev/null | grep -v /tests/)
GEN_ABIS := $(foreach a,$(ROOM_ABIS),$(if $(wildcard syscall-tables/$(a).sct),$(a)))

GEN_COMMON_STAMP := $(GEN)/common/stamp
GEN_COMMON_SRC := $(GEN)/common/kerr.c
$(GEN_COMMON_SRC): $(GEN_COMMON_STAMP)
$(foreach a,$(GEN_ABIS),$(eval GEN_STAMP_$(a) := $(GEN)/$(a)/stamp))
$(foreach a,$(GEN_ABIS),$(eval GEN_SRC_$(a) := $(addprefix $(GEN)/$(a)/$(a)_,errno.c dispatch.c trace.c)))
$(foreach a,$(GEN_ABIS),$(eval $(GEN_SRC_$(a)): $(GEN_STAMP_$(a));))

.PHONY: tables
tables: $(GEN_COMMON_STAMP) $(foreach a,$(GEN_ABIS),$(GEN_STAMP_$(a)))

$(GEN)/common/stamp: $(SCT_SOURCES)
	@mkdir -p $(@D)
	@echo "  TABLES  kerr" >&2
	@$(SCTC) compile --product kerr --out $(@D) syscall-tables/errors.sct
	@touch $@

$(GEN)/%/stamp: $(SCT_SOURCES)
	@mkdir -p $(@D)
	@echo "  TABLES  $*" >&2
	@$(SCTC) compile --abi $* --arch $(MACHINE) --out $(@D) syscall-tables/errors.sct syscall-tables/$*.sct \
	  $(wildcard syscall-tables/$*.numbers)
	@rm -f $(@D)/kerr.[ch]
	@touch $@
