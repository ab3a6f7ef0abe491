# `make run` and `make test` are all that one needs to know; `make help` lists the rest.

# The interface to watch: that of the default route with the lowest metric.
IF ?= $(shell awk '$$2 == "00000000" && $$8 == "00000000" { print $$7, $$1 }' /proc/net/route | \
	sort -n | awk 'NR == 1 { print $$2 }')
PORT ?= 6677
# How long `make fuzz` gives each target.
FUZZ_SECONDS ?= 60

BUILD_PACKAGES = build-essential libpcap-dev pkg-config
TEST_PACKAGES = chromium curl darkstat iproute2 nftables nmap rsyslog sqlite3 tcpdump tshark valgrind

DUSKWATCH = target/release/duskwatch
SKIPPED = $(CURDIR)/target/skipped-tests
# Raw sockets need root; the program gives it up as soon as it has them.
AS_ROOT = $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: help run demo build test lint fmt bench fuzz install-deps install-test-deps

help:
	@echo 'make run           capture on IF=$(IF) and serve http://127.0.0.1:$(PORT)/ until Ctrl-C'
	@echo 'make demo          the same page from a generated capture: no root, no network'
	@echo 'make test          install what the tests need, and run them all'
	@echo 'make bench         measure speed and memory, side by side with darkstat'
	@echo 'make fuzz          fuzz each target for FUZZ_SECONDS=$(FUZZ_SECONDS)'
	@echo 'make fmt           format the source'
	@echo 'make lint          check the format, clippy, and that the core builds alone'
	@echo 'make install-deps  install what the build needs'

run: build
	@test -n '$(IF)' || { echo 'There is no default route. Name an interface: make run IF=eth0' >&2; exit 2; }
	@echo 'Watching $(IF): http://127.0.0.1:$(PORT)/ until Ctrl-C'
	$(AS_ROOT) $(DUSKWATCH) -i '$(IF)' -p '$(PORT)'

demo: build
	cargo run --release --quiet --package traffic -- home --seed 1 -o target/demo.pcap
	@echo 'A generated home network: http://127.0.0.1:$(PORT)/ until Ctrl-C'
	$(DUSKWATCH) --read target/demo.pcap -l 192.168.1.0/24 -l 2001:db8:1::/64 --serve -p '$(PORT)'

build: install-deps
	cargo build --release --locked

test: install-deps install-test-deps lint
	@rm -f '$(SKIPPED)'
	DUSKWATCH_SKIPPED='$(SKIPPED)' cargo test --locked --workspace
	@if [ -s '$(SKIPPED)' ]; then echo; echo 'Passed, but not all ran:'; sort -u '$(SKIPPED)'; \
	else echo; echo 'All tests ran and passed.'; fi

lint:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo check --locked --lib --no-default-features

fmt:
	cargo fmt --all

bench: install-deps install-test-deps
	cargo bench --locked

# cargo-fuzz wants a nightly compiler only for flags that the stable one knows as well and hides.
fuzz: install-deps
	@command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	@set -e; for target in $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs))); do \
		echo "Fuzzing $$target for $(FUZZ_SECONDS) s"; \
		RUSTC_BOOTSTRAP=1 cargo fuzz run "$$target" -- -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1; \
	done

install-deps:
	@scripts/install-packages $(BUILD_PACKAGES)

install-test-deps:
	@scripts/install-packages --optional $(TEST_PACKAGES)
	@scripts/fetch-tcpdump-captures
