# Libraries that come from the distribution: static riscv64 archives and their headers.
EXT_STAMP_fdt := $(EXT)/stamp
EXT_STAMP_zlib := $(EXT)/stamp
EXT_STAMP_zstd := $(EXT)/stamp
EXT_LIB := $(EXT)/libext.a

$(EXT_LIB): $(EXT)/stamp
$(EXT)/stamp: ci/debian/ext ci/debian/apt
	@ci/debian/ext $(EXT)
	@touch $@
