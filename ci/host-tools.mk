# Programs for the host: host-tools/NAME, built into build/host/ (optimised) and build/host/asan/ (under sanitizers, for tests).
#
# A tool's sources are its own folder, host-tools/common and, where it looks at binaries, host-tools/detect with the kernel's
# own detection sources compiled once more.
HOST := build/host
HOST_CC := clang-19
HOST_WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wimplicit-fallthrough
HOST_CFLAGS := -std=c23 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 $(HOST_WARN) -g -MMD -MP
HOST_OPT := -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2
HOST_ASAN := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HOST_FUZZ := -O1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
HOST_INC := -I. -Ihost-tools -Ihost-tools/common -Ihost-tools/detect -I$(HOST)/gen -Ikernel/exec/include -Ikernel/arch/include -Ikernel/lib/include
HOST_VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unversioned)

COMMON_SRC := $(wildcard host-tools/common/*.c)
DETECT_ABIS := $(patsubst abi/%/probe.c,%,$(wildcard abi/*/probe.c))
DETECT_SRC := $(wildcard host-tools/detect/*.c kernel/exec/detect/*.c) $(DETECT_ABIS:%=abi/%/probe.c)
PACK_SRC := $(wildcard host-tools/scarlet-pack/*.c)
PACK_LIBS := -lz -lzstd

PACK_ALL := $(PACK_SRC) $(COMMON_SRC) $(DETECT_SRC)
PACK := $(HOST)/scarlet-pack
PACK_ASAN := $(HOST)/asan/scarlet-pack

.PHONY: fuzz-pack

# The list of ABIs whose probes are compiled in, and their headers; rewritten only when it changes.
$(HOST)/gen/detect_abis.h: FORCE_DETECT
	@mkdir -p $(@D)
	@for a in $(DETECT_ABIS); do echo "ABI($$a, $$(echo $$a | tr a-z A-Z))"; done >$@.new; cmp -s $@.new $@ && rm $@.new || { mv $@.new $@; \
	  printf '#include "abi/%s/probe.h"\n' $(DETECT_ABIS) >$(HOST)/gen/detect_probes.h; }
.PHONY: FORCE_DETECT

define host_objects
$(HOST)/obj-$(1)/%.o: %.c $(HOST)/gen/detect_abis.h ci/host-tools.mk
	@mkdir -p $$(@D)
	@$$(HOST_CC) $$(HOST_CFLAGS) $(2) $$(HOST_INC) -DTOOL_VERSION='"$$(HOST_VERSION)"' -c $$< -o $$@
endef
$(eval $(call host_objects,opt,$(HOST_OPT)))
$(eval $(call host_objects,asan,$(HOST_ASAN)))
$(eval $(call host_objects,fuzz,$(HOST_FUZZ)))
$(eval $(call host_objects,fuzz-pack,$(HOST_FUZZ) $$(PACK_FUZZ_ALLOC)))
-include $(shell find $(HOST) -name '*.d' 2>/dev/null)

$(PACK): $(PACK_ALL:%.c=$(HOST)/obj-opt/%.o)
	@echo "  HOST    $@" >&2
	@$(HOST_CC) $(HOST_OPT) $^ -o $@ $(PACK_LIBS)

$(PACK_ASAN): $(PACK_ALL:%.c=$(HOST)/obj-asan/%.o)
	@mkdir -p $(@D)
	@echo "  HOST    $@" >&2
	@$(HOST_CC) $(HOST_ASAN) $^ -o $@ $(PACK_LIBS)

include ci/host-probe.mk

# Fuzzing: TIME seconds of it, from a corpus that the tests' generator makes; findings stay in build/host/fuzz.
TIME ?= 600
PACK_FUZZ := $(HOST)/fuzz/scarlet-pack
PACK_FUZZ_SRC := $(filter-out $(addprefix host-tools/scarlet-pack/,main.c list.c extract.c diff.c build.c probe.c),$(PACK_ALL)) $(wildcard host-tools/scarlet-pack/fuzz/*.c)
PACK_FUZZ_ALLOC := $(foreach f,free calloc realloc strdup strndup vasprintf,-D$(f)=fuzz_$(f))
HOST_INC += -Ihost-tools/scarlet-pack
$(PACK_FUZZ): $(PACK_FUZZ_SRC:%.c=$(HOST)/obj-fuzz-pack/%.o)
	@mkdir -p $(@D)
	@echo "  HOST    $@" >&2
	@$(HOST_CC) $(subst fuzzer-no-link,fuzzer,$(HOST_FUZZ)) $^ -o $@ $(PACK_LIBS)

fuzz-pack: $(PACK_FUZZ) $(PACK)
	@mkdir -p $(HOST)/fuzz/corpus $(HOST)/fuzz/findings
	@/usr/bin/python3 host-tools/scarlet-pack/tests/corpus.py $(PACK) $(HOST)/fuzz/corpus
	$(PACK_FUZZ) -max_total_time=$(TIME) -timeout=10 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
	  -artifact_prefix=$(HOST)/fuzz/findings/ $(HOST)/fuzz/corpus
