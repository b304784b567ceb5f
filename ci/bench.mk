# The benchmarks' programs of the other ABIs; kbench itself is built by harness/bench/build.py.
BENCH_OUT := build/bench/programs
BENCH_SRC := harness/bench/programs/abi

.PHONY: bench-programs
bench-programs: $(BENCH_OUT)/native $(BENCH_OUT)/xv6

$(BENCH_OUT)/native.o: $(BENCH_SRC)/native.c $(USER_ABI)/stamp ci/bench.mk
	@mkdir -p $(@D)
	@$(CLANG) $(USER_FLAGS) -c $< -o $@
$(BENCH_OUT)/native: $(BENCH_OUT)/native.o $(LIBSCARLET) $(USER_MARK)
	@$(USER_LD) -s -o $@ $< $(USER_OUT)/obj/libscarlet/start_asm.o $(LIBSCARLET) $(USER_MARK)
$(BENCH_OUT)/xv6.o: $(BENCH_SRC)/xv6.c $(XV6_SRC)/ulib.h ci/bench.mk
	@mkdir -p $(@D)
	@clang-19 $(XV6_CFLAGS) -c $< -o $@
$(BENCH_OUT)/xv6: $(BENCH_OUT)/xv6.o $(XV6_OUT)/obj/start.o $(XV6_RUNTIME) $(XV6_SRC)/user.ld
	@$(XV6_LD) -e start -o $@ $(filter %.o,$^)
