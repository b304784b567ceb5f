# The kernel as a Linux process (ARCH=hosted, docs/hosted.md): what differs from ci/kernel.mk. ci/hosted.mk gives ARCH, MACHINE and OUT.
#
# The kernel's objects are linked into one relocatable file whose own names (memcpy, panic ...) are then hidden, all but those that the host
# side calls. The host side is ordinary C with the C library.
TARGET := --target=x86_64-linux-gnu -march=x86-64-v2
SAN ?=
# Without the kernel-side instrumentation: string functions that read whole words around what they are given.
SAN_HOST := $(if $(SAN),-fsanitize=$(SAN) $(if $(findstring address,$(SAN)),-fsanitize-address-use-after-return=never))
# For files that are not instrumented themselves, too.
SAN_HOST += $(if $(findstring thread,$(SAN)),-DHOSTED_TSAN=1)
SAN_KERNEL := $(if $(SAN),$(SAN_HOST) -fno-sanitize=function $(if $(findstring address,$(SAN)),-fno-sanitize-address-globals-dead-stripping))
KFLAGS := $(TARGET) -std=c23 -ffreestanding -fno-pic -fno-pie -nostdlib -O2 -g -fno-omit-frame-pointer -fstack-protector-strong \
  -mstack-protector-guard=global -fno-strict-aliasing -fno-common -ffunction-sections -fdata-sections \
  -ffile-prefix-map=$(CURDIR)=. $(if $(SAN),-DCONFIG_DEBUG=1,$(if $(filter debug,$(VARIANT)),-DCONFIG_DEBUG=1,-DCONFIG_DEBUG=0)) $(SAN_KERNEL) $(WARN)
AFLAGS := $(TARGET) -ffreestanding -fno-pic -g
EXT := build/hosted-ext
EXT_INC_fdt := -isystem ci/ext/include -isystem $(EXT)/fdt
EXT_INC_zlib := -DZ_SOLO -isystem $(EXT)/zlib
EXT_INC_zstd := -DZSTD_STATIC_LINKING_ONLY -isystem $(EXT)/zstd
