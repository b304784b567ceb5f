# Libraries that come from the distribution: static riscv64 archives and their headers.
#
# EXT_LIB is linked behind the kernel's own objects; only what they use is drawn in. The files are
# position-independent code that reads addresses from a global offset table, which the linker fills
# with link-time addresses: they may be called once the kernel runs at its linked address, not before.
EXT_STAMP_fdt := $(EXT)/stamp
EXT_STAMP_zlib := $(EXT)/stamp
EXT_STAMP_zstd := $(EXT)/stamp
EXT_LIB := $(EXT)/libext.a

$(EXT_LIB): $(EXT)/stamp ;
ifeq ($(ARCH),riscv64)
$(EXT)/stamp: export EXT_CFLAGS = $(TARGET) -std=c23 -ffreestanding -fno-pic -O2 -mno-relax -fno-asynchronous-unwind-tables \
  -ffunction-sections -fdata-sections $(WARN)
$(EXT)/stamp: ci/debian/ext ci/debian/apt ci/debian/soft_float.py $(wildcard ci/ext/*.c)
	@echo "  EXT     libfdt zlib zstd" >&2
	@ci/debian/ext $(EXT)
	@touch $@
endif
