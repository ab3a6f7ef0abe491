# `make run` and `make test` are all that one needs to know; `make help` lists the rest.

# The interface to watch: that of the default route with the lowest metric.
IF ?= $(shell awk '$$2 == "00000000" && $$8 == "00000000" { print $$7, $$1 }' /proc/net/route | \
	sort -n | awk 'NR == 1 { print $$2 }')
PORT ?= 6677
# How long `make fuzz` gives each target.
FUZZ_SECONDS ?= 60
# What `make bench` measures: core, read, live, memory, accuracy, page, darknet; all if empty.
PART ?=
# How many homes `make bench PART=darknet` watches; 20 if empty.
export HOMES ?=

BUILD_PACKAGES = build-essential libpcap-dev pkg-config
TEST_PACKAGES = arp-scan busybox chromium curl hping3 iproute2 jq masscan mount nfdump nftables nginx-light nmap openssl procps \
	prometheus python3-venv rsyslog shellcheck sqlite3 systemd systemd-container tshark util-linux w3m zmap
BENCH_PACKAGES = darkstat iproute2 qemu-user valgrind
# openwrt/cross adds Debian's Rust, rustc-web cargo-web rust-web-src, unless rustup has a nightly with rust-src.
CROSS_PACKAGES = bison build-essential ca-certificates curl flex python3-venv
CROSS_TEST_PACKAGES = qemu-user-static
IMAGE_PACKAGES = jq libcap2-bin tar umoci util-linux
IMAGE_TEST_PACKAGES = iproute2 runc skopeo
VM_TEST_PACKAGES = binutils cpio e2fsprogs kmod qemu-system-arm qemu-system-mips

# What `make cross` builds for, in Rust's names.
TARGET ?= mipsel-unknown-linux-musl
CROSS_TARGETS = mipsel-unknown-linux-musl mips-unknown-linux-musl armv7-unknown-linux-musleabihf \
	arm-unknown-linux-musleabi aarch64-unknown-linux-musl riscv64gc-unknown-linux-musl x86_64-unknown-linux-musl

# What `make test-vm` starts: files of tests/vm/machines.
MACHINES ?= malta virt

# The IEEE's lists, as Debian packages them, and the table of vendors that is made of them.
IEEE_DATA ?= /usr/share/ieee-data
VENDORS ?= target/vendors

# What `make ipk` and `make apk` pack for, in OpenWrt's names.
ARCH ?= mipsel_24kc

# What `make image` packs for, in the names of container engines; linux/image lists them.
PLATFORM ?= linux/amd64

# Where `make install` puts things, and which program.
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
PROGRAM ?= $(DUSKWATCH)
BINDIR = $(DESTDIR)$(PREFIX)/bin
UNITDIR = $(DESTDIR)$(PREFIX)/lib/systemd/system
DOCDIR = $(DESTDIR)$(PREFIX)/share/doc/duskwatch
SHAREDIR = $(DESTDIR)$(PREFIX)/share/duskwatch

VERSION = $(shell sed -n '/^version = /{s/.*"\(.*\)"/\1/p;q;}' Cargo.toml)
DUSKWATCH = target/release/duskwatch
# A home network, an address of which nobody uses; the names are those of its devices.
DEMO = $(DUSKWATCH) --read target/demo.pcap --serve -p '$(PORT)' -l 192.168.1.0/24 -l 2001:db8:1::/64 \
	--dark 192.168.1.200/32 --no-dns --hosts-file traffic/home.hosts
# Raw sockets need root; the program gives it up as soon as it has them.
AS_ROOT = $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: help run demo build test lint fmt bench fuzz screenshot install-deps target/demo.pcap \
	cross cross-all cross-tools test-cross test-packages test-vm ipk apk ipk-luci apk-luci ipk-vendors apk-vendors \
	vendors \
	image test-image install uninstall

help:
	@echo 'make run           capture on IF=$(IF) and serve http://127.0.0.1:$(PORT)/ until Ctrl-C'
	@echo 'make demo          the same pages from a generated capture: no root, no network'
	@echo 'make test          install what the tests need, and run them all'
	@echo 'make bench         measure speed and memory, side by side with darkstat; PART=core measures one part'
	@echo 'make fuzz          fuzz each target for FUZZ_SECONDS=$(FUZZ_SECONDS)'
	@echo 'make cross         the static program for TARGET=$(TARGET)'
	@echo 'make cross-all     the same for all targets'
	@echo 'make test-cross    run them under qemu, and compare what they read'
	@echo 'make test-packages pack them for every architecture, and check the sizes'
	@echo 'make test-vm       the packages on emulated routers of 64 MB, with live traffic: MACHINES=$(MACHINES)'
	@echo 'make ipk           the package for OpenWrt 24.10, ARCH=$(ARCH); ipk-luci: the pages for LuCI'
	@echo 'make apk           the same for OpenWrt 25.12 and later; apk-luci, apk-vendors'
	@echo 'make vendors       the table that says who made which device, of Debian'\''s ieee-data; ipk-vendors packs it'
	@echo 'make install       the program of `make build`, its unit for systemd and its documentation, below PREFIX=$(PREFIX)'
	@echo 'make uninstall     remove them again'
	@echo 'make image         an image for containers, PLATFORM=$(PLATFORM)'
	@echo 'make test-image    pack, open and run it'
	@echo 'make fmt           format the source'
	@echo 'make lint          check the format, clippy, and that the core builds alone'
	@echo 'make screenshot    pictures of the demo in target/screenshots, one of them docs/overview.png'
	@echo 'make install-deps  install what the build needs'

run: build
	@test -n '$(IF)' || { echo 'There is no default route. Name an interface: make run IF=eth0' >&2; exit 2; }
	@echo 'Watching $(IF): http://127.0.0.1:$(PORT)/ until Ctrl-C'
	$(AS_ROOT) $(DUSKWATCH) -i '$(IF)' -p '$(PORT)'

demo: build target/demo.pcap
	@echo 'A generated home network: http://127.0.0.1:$(PORT)/ until Ctrl-C'
	$(DEMO)

# Made anew each time: the day that it shows ends now.
target/demo.pcap:
	cargo run --release --locked --quiet --package traffic -- home --seed 1 -o $@

# With the table of vendors, where its source is there.
build: install-deps
	cargo build --release --locked
	@test ! -e '$(IEEE_DATA)/oui.csv' || $(MAKE) --no-print-directory '$(VENDORS)'

vendors:
	@scripts/install-packages ieee-data
	@$(MAKE) --no-print-directory '$(VENDORS)'

$(VENDORS): $(wildcard $(IEEE_DATA)/*.csv vendors/src/*.rs)
	cargo run --quiet --locked --package vendors -- '$(IEEE_DATA)' '$@'

test: install-deps lint
	@scripts/install-packages --optional $(TEST_PACKAGES)
	@scripts/fetch-tcpdump-captures
	@scripts/fetch-syslog-ng
	@scripts/fetch-page-tools
	@scripts/fetch-openapi-validator
	@scripts/test

lint:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo check --locked --lib --no-default-features

fmt:
	cargo fmt --all

bench: install-deps
	@scripts/install-packages --optional $(BENCH_PACKAGES)
	cargo bench --locked --bench measure -- $(PART)

fuzz: install-deps
	@scripts/fuzz '$(FUZZ_SECONDS)'

cross:
	@scripts/install-packages $(CROSS_PACKAGES)
	@openwrt/cross '$(TARGET)'

# What the build needs without the build, for an image.
cross-tools:
	@scripts/install-packages $(CROSS_PACKAGES)
	@openwrt/cross --tools '$(TARGET)'

# Two at once: cargo takes turns, but each begins with a library and much that waits for one processor.
cross-all:
	@scripts/install-packages $(CROSS_PACKAGES)
	@$(MAKE) --no-print-directory --jobs=2 $(CROSS_TARGETS:%=cross-%)

cross-%:
	@$(MAKE) --no-print-directory cross TARGET='$*'

test-cross: install-deps cross-all
	@scripts/install-packages $(CROSS_TEST_PACKAGES)
	@scripts/test-cross $(CROSS_TARGETS)

test-packages: install-deps cross-all
	@scripts/test-packages $(CROSS_TARGETS)

# Tests are named after the machine that they need.
test-vm: install-deps
	@scripts/install-packages $(VM_TEST_PACKAGES)
	@for machine in $(MACHINES); do $(MAKE) --no-print-directory "vm-$$machine" || exit; done
	cargo test --locked --test vm -- --ignored --nocapture $(MACHINES)

# The package of this version, whatever older ones are there.
vm-%:
	@. tests/vm/machines/$* && $(MAKE) --no-print-directory ipk ARCH="$$openwrt" && \
		tests/vm/image '$*' "target/packages/duskwatch_$(VERSION)-r1_$$openwrt.ipk"

ipk apk:
	@openwrt/package $@ '$(ARCH)'

ipk-luci apk-luci:
	@openwrt/package $(@:-luci=) luci

ipk-vendors apk-vendors:
	@openwrt/package $(@:-vendors=) vendors

# Installs what is built and builds nothing, because root need not have the means to.
install:
	@test -e '$(PROGRAM)' || { echo '$(PROGRAM) is not there. First: make build' >&2; exit 2; }
	install -D -m 755 '$(PROGRAM)' '$(BINDIR)/duskwatch'
	install -d '$(UNITDIR)' '$(DOCDIR)' '$(DESTDIR)$(SYSCONFDIR)'
	sed -e 's|/usr/|$(PREFIX)/|' -e 's|/etc/|$(SYSCONFDIR)/|' linux/duskwatch.service >'$(UNITDIR)/duskwatch.service'
	chmod 644 '$(UNITDIR)/duskwatch.service'
	test ! -e '$(VENDORS)' || install -D -m 644 '$(VENDORS)' '$(SHAREDIR)/vendors'
	install -m 644 -t '$(DOCDIR)' README.md ARCHITECTURE.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT
	test -e '$(DESTDIR)$(SYSCONFDIR)/duskwatch.conf' || \
		install -m 644 linux/duskwatch.conf '$(DESTDIR)$(SYSCONFDIR)/duskwatch.conf'

# The configuration and what the program has counted are the user's.
uninstall:
	rm -f '$(BINDIR)/duskwatch' '$(UNITDIR)/duskwatch.service'
	rm -rf '$(DOCDIR)' '$(SHAREDIR)'

image:
	@scripts/install-packages $(IMAGE_PACKAGES)
	@test ! -e '$(IEEE_DATA)/oui.csv' || $(MAKE) --no-print-directory '$(VENDORS)'
	@linux/image '$(PLATFORM)'

# The program is there first, since the tests make several images at once.
test-image: install-deps
	@scripts/install-packages $(IMAGE_PACKAGES)
	@scripts/install-packages $(IMAGE_TEST_PACKAGES)
	@$(MAKE) --no-print-directory cross TARGET=x86_64-unknown-linux-musl
	cargo test --locked --test image -- --ignored --nocapture

screenshot: build target/demo.pcap
	@scripts/install-packages chromium curl fonts-dejavu-core pngquant
	@scripts/fetch-page-tools
	@scripts/screenshot docs/overview.png $(DEMO)

install-deps:
	@scripts/install-packages $(BUILD_PACKAGES)
