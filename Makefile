# Scarlet: the front door. Every target that people type stands here with one line of help; the
# rules behind it are in ci/*.mk. Output goes to build/ and nowhere else.
#
# Variables: VARIANT=release|debug  SMP=harts  MEM=512M  APPEND='kernel words'  OVERLAY=dir
#            CMD='command line for the guest'  SHELL_ABI=linux|scarlet|xv6  TIMEOUT=seconds  ABIS='linux xv6'  T='pytest words'
#            ROWS='rows'  QUICK=1  ROW=row
.DEFAULT_GOAL := help

VARIANT ?= release
SMP ?= 1
MEM ?= 512M
APPEND ?=
OVERLAY ?=
CMD ?=
TIMEOUT ?=
ABIS ?=
ARCH := riscv64

include ci/kernel.mk
include ci/host-tools.mk
include userland/userland.mk
include userland/xv6.mk
include ci/bench.mk
include ci/image.mk
include ci/front.mk
include ci/hosted.mk

.PHONY: help run linux debug test test-hosted bench-hosted fuzz-hosted unit soak fuzz lint bench profile bench-setup hosted-setup kernel room image host-tools record docs setup clean

help: ## this page
	@sed -n -E 's/^([a-z_.-]+):[^#]*## (.*)$$/  make \1@\2/p' Makefile | awk -F@ '{printf "%-30s %s\n", $$1, $$2}'
	@sed -n -E 's/^# (Variables:|  +)/\n\1/p' Makefile | sed '/^$$/d'

run: kernel image ## boot Scarlet: a shell on this terminal (control-A X leaves), or CMD='…' and its output
	@$(BOOT) --kernel $(KERNEL_IMAGE) $(BOOT_ARGS)

linux: image linux-kernel ## the same on the reference machine: Debian's own kernel, same QEMU, same image
	@$(BOOT) --linux $(BOOT_ARGS)

debug: ## boot the debug variant stopped, waiting for gdb; prints the line that attaches
	@$(MAKE) --no-print-directory VARIANT=debug debug-boot

test: setup unit-tables kernel-if-any image ## every test: tables, units, boots on 1 and 4 harts, conformance (T='-k word' narrows)
	@$(PYTEST) $(TEST_PATHS) $(T)

# First all that boots machines, on the hosted kernel under sanitizers; then programs beside this machine's own Linux. Most tests
# wait for something, so more run side by side than there are processors.
HOSTED_PATHS := $(filter-out harness/test_hosted%,$(wildcard harness/test_*.py))
test-hosted: hosted-setup hosted ## boot tests on the hosted kernel under sanitizers; programs and scripts live beside this machine's own Linux (docs/hosted.md)
	@$(MAKE) --no-print-directory -s hosted SAN=address,undefined && $(MAKE) --no-print-directory -s hosted SAN=thread
	@$(PYTEST) -n 5 --dist loadgroup -m boot --on=hosted-san $(HOSTED_PATHS) $(T)
	@SCARLET_HOSTED=1 $(PYTEST) -n 4 --dist loadgroup harness/test_hosted*.py $(T)

hosted-setup: setup
	@ci/setup hosted

unit: setup unit-tables ## only the unit tests: portable modules on the host under ASan and UBSan
	@$(PYTEST) harness/test_unit.py $(T)

soak: kernel image ## the long tests: full counts, minutes to hours, seeded
	@SCARLET_SOAK=1 $(PYTEST) harness -m soak $(T)

lint: setup ## format, static analysis, which room includes which, tables, Python
	@ci/lint

bench: bench-setup kernel image linux-kernel ## guest instructions and wall time beside Linux's (ROWS='fork_* stat' QUICK=1)
	@$(PYTHON) -m harness.bench $(if $(QUICK),--quick) $(foreach r,$(ROWS),'$(r)')

fuzz-hosted: setup ## random call sequences on the hosted kernel under sanitizers, TIME=seconds (600), SEED= and COUNT= repeat
	@$(PYTHON) -m harness.hosted_fuzz $(if $(TIME),--time $(TIME)) $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT))

bench-hosted: setup hosted ## what calls cost natively, under a bare ptrace loop, and on the hosted kernel
	@$(PYTHON) -m harness.hosted_bench

profile: bench-setup kernel image ## where the instructions of one benchmark row go: ROW=stat; flame graphs in build/profile
	@$(PYTHON) -m harness.bench.profile $(if $(ROW),$(foreach r,$(ROW),'$(r)'),$(error profile: say which with ROW=stat))

kernel: $(KERNEL_ELF) $(KERNEL_IMAGE) ## build/VARIANT/scarlet.elf and scarlet (the boot Image)

room: room-objects ## compile one room only: make room ROOM=mem

image: setup $(IMAGE) ## build/image/root.cpio, the boot image that both kernels take

hosted: ## the kernel as a Linux process: build/hosted/scarlet-host (SAN=address,undefined; docs/hosted.md)

host-tools: $(PACK) $(PACK_ASAN) ## for this machine: build/host/scarlet-pack and abi-probe (manual pages in host-tools/*)

fuzz: fuzz-probe fuzz-pack ## fuzz the host tools, TIME=seconds each (default 600); findings stay in build

record: image linux-kernel ## record the conformance scripts anew on real Linux
	@$(PYTHON) -m harness.conformance.record $(T)

docs: tables ## call reference and support matrix from the tables, into build/VARIANT/docs
	@ci/docs $(GEN) $(OUT)/docs

setup: ## install what is missing (Debian, as root), or say what is and how to get it
	@ci/setup

compile_commands.json: $(ALL_OBJS) ## the compilation database, for editors
	@ci/compdb.py $(OUT) > $(OUT)/$@ && cp $(OUT)/$@ $@

bench-setup: setup
	@ci/setup bench

clean: ## remove what was built, keep downloaded packages
	rm -rf build/release build/debug build/image build/log build/rooms-*.mk compile_commands.json

.PHONY: debug-boot
debug-boot: kernel image
	@$(BOOT) --gdb --kernel $(KERNEL_IMAGE) --timeout 86400 $(BOOT_ARGS)

# The unit tests and the harness read what the debug variant's tables generate.
.PHONY: unit-tables kernel-if-any
unit-tables:
	@$(MAKE) --no-print-directory VARIANT=debug tables build/ext/stamp

# Until kernel/init has a first source there is nothing that could boot; from then on it must build.
kernel-if-any: $(if $(wildcard kernel/init/*.c),kernel)
