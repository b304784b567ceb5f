# abi-probe: built like the other host tools (ci/host-tools.mk), with LLVM's disassembler and the generated tables inside.
PROBE_DIR := host-tools/abi-probe
PROBE_SRC := $(filter-out %/fuzz.c,$(wildcard $(PROBE_DIR)/*.c))
PROBE_ALL := $(PROBE_SRC) $(COMMON_SRC) $(DETECT_SRC)
PROBE := $(HOST)/abi-probe
PROBE_ASAN := $(HOST)/asan/abi-probe
PROBE_FUZZ := $(HOST)/fuzz/abi-probe
PROBE_LIBS := -L$(shell llvm-config-19 --libdir 2>/dev/null) -lLLVM-19 -lpthread
PROBE_CFLAGS := -I$(PROBE_DIR) -I$(shell llvm-config-19 --includedir 2>/dev/null) --embed-dir=$(HOST)/gen
PROBE_ARCHS := riscv64 x86_64 aarch64
PROBE_TABLES := $(foreach a,$(PROBE_ARCHS),$(HOST)/gen/tables/$(a)/stamp) $(HOST)/gen/tables/other/stamp

host-tools: $(PROBE) $(PROBE_ASAN)

$(HOST)/gen/tables/%/stamp: $(SCT_SOURCES)
	@mkdir -p $(@D)
	@echo "  TABLES  $* for abi-probe" >&2
	@$(SCTC) compile --abi linux --arch $* --product support --product decode --product consts --out $(@D) syscall-tables/errors.sct \
	  syscall-tables/linux.sct syscall-tables/linux.numbers
	@touch $@

# The other ABIs have the same numbers on every machine.
$(HOST)/gen/tables/other/stamp: $(SCT_SOURCES)
	@mkdir -p $(@D)
	@echo "  TABLES  xv6 and scarlet for abi-probe" >&2
	@for a in xv6 scarlet; do $(SCTC) compile --abi $$a --arch riscv64 --product support --product decode --product consts --out $(@D) \
	  syscall-tables/errors.sct syscall-tables/$$a.sct || exit; done
	@touch $@

$(HOST)/obj-opt/$(PROBE_DIR)/%.o $(HOST)/obj-asan/$(PROBE_DIR)/%.o $(HOST)/obj-fuzz/$(PROBE_DIR)/%.o: HOST_CFLAGS += $(PROBE_CFLAGS)
$(foreach v,opt asan fuzz,$(HOST)/obj-$(v)/$(PROBE_DIR)/tables.o): $(PROBE_TABLES)

$(PROBE): $(PROBE_ALL:%.c=$(HOST)/obj-opt/%.o)
	@echo "  HOST    $@" >&2
	@$(HOST_CC) $(HOST_OPT) $^ -o $@ $(PROBE_LIBS)

$(PROBE_ASAN): $(PROBE_ALL:%.c=$(HOST)/obj-asan/%.o)
	@mkdir -p $(@D)
	@echo "  HOST    $@" >&2
	@$(HOST_CC) $(HOST_ASAN) $^ -o $@ $(PROBE_LIBS)

# libFuzzer: TIME seconds of it, from a corpus that the tests make.
.PHONY: fuzz-probe
fuzz-probe: $(PROBE_FUZZ)
	@$(PYTHON) $(PROBE_DIR)/tests/corpus.py build/fuzz/abi-probe/seeds
	@mkdir -p build/fuzz/abi-probe/corpus
	@$(PROBE_FUZZ) -max_total_time=$(TIME) -timeout=20 -rss_limit_mb=2048 -max_len=262144 -print_final_stats=1 \
	  -artifact_prefix=build/fuzz/abi-probe/ build/fuzz/abi-probe/corpus build/fuzz/abi-probe/seeds

$(PROBE_FUZZ): $(patsubst %.c,$(HOST)/obj-fuzz/%.o,$(filter-out %/main.c,$(PROBE_ALL)) $(PROBE_DIR)/fuzz.c)
	@mkdir -p $(@D)
	@echo "  HOST    $@" >&2
	@$(HOST_CC) $(HOST_ASAN) -fsanitize=fuzzer $^ -o $@ $(PROBE_LIBS)

# Predicted against recorded calls: a Debian root, its programs under strace on the reference machine (one boot), then the comparison.
PROBE_ROOT := build/probe/root
.PHONY: probe-root probe-record probe-accuracy
probe-root:
	@$(PYTHON) $(PROBE_DIR)/tests/debian_root.py $(PROBE_ROOT) $$(sed 's/#.*//' $(PROBE_DIR)/tests/packages.txt)

probe-record: probe-root image linux-kernel
	@$(PYTHON) $(PROBE_DIR)/tests/record.py build/probe/traces $(PROBE_ROOT)

probe-accuracy: $(PROBE) $(if $(wildcard build/probe/traces),,probe-record)
	@$(PYTHON) $(PROBE_DIR)/tests/accuracy.py --verbose
