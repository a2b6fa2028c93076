# The short way to everything. The build itself is CMake's: see CMakePresets.json.

ARCH ?= riscv64
CLI = build/release/vm-cli

.PHONY: all run test test-thorough bench format clean

all:
	@test -e build/release/build.ninja || cmake --preset release
	@cmake --build build/release

# Install what is missing, build, and boot Debian's installer (ARCH=riscv64); Ctrl-A x ends it.
run:
	@scripts/setup build
	@$(MAKE) --no-print-directory all
	@guest=$$(scripts/fetch debian-$(ARCH)) && \
	    $(CLI) run --arch $(ARCH) --memory 1G --kernel $$guest/linux --initrd $$guest/initrd.gz

# Install what is missing, build in every way there is, fetch the guests and run all the tests.
test:
	@scripts/test

# Real work inside guests, for as long as that takes; `make test` leaves it out.
test-thorough:
	@scripts/setup test
	@$(MAKE) --no-print-directory all
	@python3 tests/thorough/debian_test.py $(CLI) scripts/fetch
	@python3 tests/thorough/graphical_test.py $(CLI) scripts/fetch
	@python3 tests/thorough/agents_test.py $(CLI) scripts/fetch
	@python3 tests/thorough/guests_test.py $(CLI) scripts/fetch
	@for test in translation encodings; do python3 tests/system/aarch64_$${test}_test.py $(CLI) --seeds 20 || exit; done
	@python3 tests/system/gic_test.py $(CLI) --seeds 20
	@for seed in 3 4 5; do python3 tests/system/x86_64_system_test.py $(CLI) --seed $$seed --count 2000 || exit 1; done

# The same programs under Triarch and its peers, side by side.
bench:
	@scripts/setup test
	@$(MAKE) --no-print-directory all
	@bench/run
	@bench/hvt
	@bench/screen

format: all
	@cmake --build build/release --target format

clean:
	rm -rf build
