# The variables of run and linux, as arguments of harness/boot.
BOOT := harness/boot
BOOT_ARGS := --smp $(SMP) --mem $(MEM) $(if $(OVERLAY),--overlay '$(OVERLAY)') \
  $(if $(TIMEOUT),--timeout $(TIMEOUT))
export SCARLET_APPEND := $(value APPEND)
export SCARLET_CMD := $(value CMD)
BOOT_CMD := $(if $(value CMD),--cmd-from-env)
PYTEST := /usr/bin/pytest-3 -q -p no:cacheprovider
TEST_PATHS := harness $(wildcard syscall-tables/tests)
