# The variables of run, linux and debug, as arguments of harness/boot. CMD and APPEND go through the
# environment, unexpanded, so that `$` and quotes reach the guest as they were typed.
BOOT := harness/boot
BOOT_ARGS := --smp '$(SMP)' --mem '$(MEM)' $(if $(OVERLAY),--overlay '$(OVERLAY)') \
  $(if $(TIMEOUT),--timeout '$(TIMEOUT)') --cmd-from-env
unexport CMD APPEND
export SCARLET_APPEND
export SCARLET_CMD
define SCARLET_APPEND :=
$(value APPEND)
endef
define SCARLET_CMD :=
$(value CMD)
endef
PYTEST := /usr/bin/pytest-3 -q -p no:cacheprovider
TEST_PATHS := harness $(wildcard syscall-tables/tests host-tools/*/tests)
