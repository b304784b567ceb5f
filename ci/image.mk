# The boot image, and the reference machine's kernel.
IMAGE := build/image/root.cpio
LINUX_IMAGE := build/linux/Image

$(IMAGE): userland/image/root.manifest $(shell find userland/image harness/image -type f -not -name '*.pyc') ci/debian/apt
	@echo "  IMAGE   $@" >&2
	@$(PYTHON) -m harness.image $@ $<

.PHONY: linux-kernel
linux-kernel: $(LINUX_IMAGE)
$(LINUX_IMAGE): ci/debian/linux ci/debian/apt
	@echo "  LINUX   Debian's riscv64 kernel (a large download, once)" >&2
	@ci/debian/linux build/linux
