# The boot image, built by scarlet-pack, and the reference machine's kernel.
IMAGE := build/image/root.cpio
LINUX_IMAGE := build/linux/Image

IMAGE_LOCK := build/image/root.lock

-include build/image/root.d
# The programs of the other systems are those of the build's machine.
IMAGE_WORDS := -D USERLAND=$(USER_OUT) -D MACHINE=$(MACHINE)
IMAGE_PROGRAMS := $(addprefix $(USER_BIN)/,$(USER_PROGRAMS)) $(XV6_BINARIES)
$(IMAGE): userland/image/root.manifest $(PACK) $(IMAGE_PROGRAMS)
	@$(MAKE) --no-print-directory userland >/dev/null
	@echo "  IMAGE   $@" >&2
	@mkdir -p $(@D)
	@$(PACK) build --quiet --cache build --lock $(IMAGE_LOCK) --werror $(IMAGE_WORDS) --depfile build/image/root.d -o $@ $<

.PHONY: linux-kernel
linux-kernel: $(LINUX_IMAGE)
$(LINUX_IMAGE): ci/debian/linux ci/debian/apt
	@echo "  LINUX   Debian's riscv64 kernel (a large download, once)" >&2
	@ci/debian/linux build/linux
