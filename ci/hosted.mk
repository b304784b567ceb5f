# The hosted kernel: `make hosted` builds build/hosted/scarlet-host, SAN=address,undefined builds
# build/hosted-san/scarlet-host, SAN=thread build/hosted-tsan/scarlet-host.
#
# The outer half only calls make again with the platform's variables; the inner half (ARCH=hosted) links.
HOSTED_OUT := build/hosted$(if $(SAN),$(if $(filter thread,$(SAN)),-tsan,-san))
HOSTED_ROOT := build/hosted/root.cpio
.PHONY: hosted
ifneq ($(ARCH),hosted)
hosted:
	@$(MAKE) --no-print-directory ARCH=hosted MACHINE=x86_64 OUT=$(HOSTED_OUT) ABIS='$(ABIS)' SAN='$(SAN)' $(HOSTED_OUT)/scarlet-host $(HOSTED_ROOT)
else
# The boot image with this machine's programs in it, and the same as a tree (--root DIR). amd64 is what Debian calls the machine.
$(HOSTED_ROOT): userland/image/root.manifest $(PACK) $(IMAGE_PROGRAMS)
	@$(MAKE) --no-print-directory ARCH=$(ARCH) MACHINE=$(MACHINE) userland >/dev/null
	@echo "  IMAGE   $@" >&2
	@$(PACK) build --quiet --cache build/amd64 --arch amd64 --machine x86-64 --werror $(IMAGE_WORDS) --lock build/hosted/root.lock --depfile build/hosted/root.d -o $@ $<
	@rm -rf build/hosted/tree && $(PACK) extract --quiet $@ -C build/hosted/tree || { rm -f $@; exit 1; }
-include build/hosted/root.d
HOSTED_KEEP := hosted_boot hosted_signal hosted_kernel_fault hosted_cpus
HOSTED_LIBS := $(addprefix /usr/lib/x86_64-linux-gnu/,libfdt.a libz.a libzstd.a)
HOSTED_HOST_C := $(wildcard kernel/arch/hosted/host/*.c)
HOSTED_HOST_O := $(HOSTED_HOST_C:%.c=$(OUT)/%.o)

$(EXT)/stamp: ci/hosted.mk
	@mkdir -p $(EXT)/fdt $(EXT)/zlib $(EXT)/zstd
	@cp /usr/include/libfdt.h /usr/include/libfdt_env.h /usr/include/fdt.h $(EXT)/fdt/
	@cp /usr/include/zlib.h $(EXT)/zlib/ && cp "$$(ls /usr/include/x86_64-linux-gnu/zconf.h /usr/include/zconf.h 2>/dev/null | head -1)" $(EXT)/zlib/
	@cp /usr/include/zstd.h /usr/include/zstd_errors.h $(EXT)/zstd/
	@touch $@

$(OUT)/glue.o: ci/ext/glue.c
	@$(CLANG) $(TARGET) -std=c23 -ffreestanding -fno-pic -O2 $(WARN) -c $< -o $@

# __start_ and __stop_ of the linker sets are the last link's; a set that nobody contributes to is made empty there.
$(OUT)/kernel.o: $(ALL_OBJS) $(OUT)/glue.o $(OBJS_STAMP)
	@echo "  LD      $@" >&2
	@ld.lld-19 -m elf_x86_64 -r -o $@.all $(ALL_OBJS) $(OUT)/glue.o $(HOSTED_LIBS)
	@llvm-objcopy-19 $(addprefix --keep-global-symbol=,$(HOSTED_KEEP)) $@.all $@

$(OUT)/kernel/arch/hosted/host/%.o: kernel/arch/hosted/host/%.c $(FLAGS_STAMP) ci/hosted.mk
	@mkdir -p $(@D)
	@echo "  CC      $<" >&2
	@$(CLANG) -std=gnu23 -O2 -g -fno-omit-frame-pointer -fno-pie $(filter-out -Wundef -Wmissing-prototypes,$(WARN)) $(SAN_HOST) \
	  -Ikernel/lib/include -Ikernel/arch/include -Ikernel/arch/hosted/include -MMD -MP -c $< -o $@
-include $(HOSTED_HOST_O:.o=.d)

# Linked twice: the table of symbols stands in writable data, behind all text, so that it moves no function.
HOSTED_LINK = $(CLANG) -no-pie -fuse-ld=lld-19 $(SAN_HOST) -pthread -Wl,--defsym=_text=0 -Wl,-z,nostart-stop-gc -o
HOSTED_KSYMS = sed 's/"a"/"aw"/' > $(KSYMS).S && $(CLANG) $(AFLAGS) -c $(KSYMS).S -o $(KSYMS).o
$(OUT)/scarlet-host: $(OUT)/kernel.o $(HOSTED_HOST_O) ci/ksyms.py
	@echo "  LD      $@" >&2
	@$(PYTHON) -S ci/ksyms.py --empty | $(HOSTED_KSYMS)
	@$(HOSTED_LINK) $@.first $(filter %.o,$^) $(KSYMS).o -l:libfdt.a
	@$(PYTHON) -S ci/ksyms.py $@.first | $(HOSTED_KSYMS)
	@$(HOSTED_LINK) $@.part $(filter %.o,$^) $(KSYMS).o -l:libfdt.a
	@$(PYTHON) -S ci/ksyms.py --same $@.first $@.part
	@rm $@.first && mv $@.part $@
endif
