# SPDX-License-Identifier: LGPL-2.1-or-later
# The commands of the project; README.md tells what they are for.

URI     ?= test:///default
WRITE   ?=
PREFIX  ?= /usr/local
DESTDIR ?=
SECONDS ?= 60
SEED    ?=
THREADS ?=
OPERATIONS ?= 10000
# How many tests run at once: they wait for daemons and guests as much as for a processor.
JOBS    ?= $(shell echo $$((2 * $$(nproc))))
# Another one, such as `true`, where the library is there: scripts/check-packages.
CARGO_BUILD ?= cargo build --release

export PREFIX DESTDIR LIBDIR PERLDIRS

.PHONY: abi all library perl demo check check-rust check-style check-c check-perl check-rest check-short check-13 site bench generate \
        sanitize valgrind fuzz operations install uninstall clean doc check-doc check-packages

all: library perl target/reference/.built

library:
	$(CARGO_BUILD)
	ln -sf libvkvm.so target/release/libvkvm.so.0

# The man pages.
target/reference/.built: vkvm-api.json include/vkvm.h
	cargo xtask reference target/reference >/dev/null
	touch $@

perl: perl/blib/.built

# The XS and the modules; perl/Makefile itself is made again when MakeMaker's
# input changes, or when there are other modules or C files.
perl/blib/.built: perl/Makefile include/vkvm.h $(wildcard perl/*.c perl/*.h perl/*.xs) \
                  $(wildcard perl/generated/* perl/xs/* perl/typemap) $(shell find perl/lib -type f) | library
	touch perl/VKVM.xs
	$(MAKE) -C perl
	touch $@

perl/Makefile: perl/Makefile.PL $(shell find perl/lib -type d) perl/lib/VKVM.pm $(wildcard perl/vkvm_*.c) | library
	cd perl && perl Makefile.PL

demo:
	scripts/install-deps demo
	$(MAKE) library perl
	scripts/demo "$(URI)" "$(WRITE)"

# Where a machine cannot resolve its own name, libvirt warns about that on standard
# error, which tests look at.
check check-rust check-style check-c check-perl check-rest check-short: export LIBVIRT_LOG_OUTPUTS = 4:file:/dev/null

check:
	scripts/install-deps check
	scripts/install-deps packages
	@# Linking the library takes one core, and the tests of the other profile the other one.
	$(MAKE) -j2 --output-sync=target check-rust all
	$(MAKE) check-c
	@# These tests wait for daemons and guests: time for what the packages wait for.
	$(MAKE) -j2 check-perl site
	$(MAKE) check-rest

# Where it cannot be made, tests/packages says why.
site:
	@scripts/doc >/dev/null 2>&1 || echo 'the site was not made'

check-rust: check-style
	cargo test --workspace

# Debian's toolchain has these tools in packages of their own, and nothing else needs them.
check-style:
	@if cargo fmt --version && cargo clippy --version; then \
	    set -x; cargo fmt --all --check && cargo clippy --workspace --all-targets -- -D warnings; \
	else \
	    echo 'the style of Rust is not checked: this toolchain has no rustfmt or no clippy'; \
	fi

check-c: library
	VKVM_JOBS=$(JOBS) c-tests/run

# Long ones begin first, so that the last ones to run are short.
PERL_LONG = $(addprefix t/,52-fleet.t 62-metrics.t 63-command.t 57-stream-modes.t 94-async-streams.t 65-inventory-random.t \
    92-bounded-methods.t 09-leaks.t 35-migration.t 15-getters.t)

check-perl: all
	cd perl && perl -I../tests/lib -S prove --harness ListedSkips -b -j$(JOBS) --timer $(PERL_LONG) \
	    $(filter-out $(PERL_LONG),$(patsubst perl/%,%,$(sort $(wildcard perl/t/*.t perl/xt/*.t))))

# Long ones begin first. What they build has places of its own.
check-rest: all
	perl -Itests/lib -S prove --harness ListedSkips -j$(JOBS) --timer tests/packages harness/run tests/cpan tests/examples tests/fuzz \
	    tests/python-kvm tests/live-page tests/install tests/prometheus tests/bed/selftest tests/harness tests/reference tests/docs tests/abi \
	    tests/demo tests/circles tests/forms tests/commands tests/licences

# Without guests, valgrind and the tests of commands.
check-short:
	scripts/install-deps check
	$(MAKE) all
	VKVM_JOBS=$(JOBS) c-tests/run $$(c-tests/run -l | grep -v -e '\.memory$$' -e '^guest$$')
	cd perl && perl -I../tests/lib -S prove --harness ListedSkips -b -j$(JOBS) --timer $$(grep -L guest_xml t/*.t)

# In a root of Debian 13, with its Rust, libvirt and Perl; not optimized at link time, for CI.
check-13:
	scripts/check-on 13 env CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
	    make check-short JOBS=$(JOBS)

bench:
	scripts/install-deps check
	$(MAKE) all
	benches/run

doc:
	scripts/install-deps doc
	scripts/doc

# Builds the site, and looks for broken links and for what is wider than a screen. That takes
# a minute of processor time and a browser, so it is no part of check.
check-doc:
	scripts/install-deps site
	tests/site

generate:
	cargo xtask generate
	VKVM_WRITE_COMMANDS=1 cargo test --lib the_list_of_

# Records the C ABI, for a release.
abi: library
	scripts/abi record

sanitize:
	scripts/install-deps check
	$(MAKE) all
	scripts/sanitize

# All C tests that can run under valgrind, those included that make check has no time for.
valgrind:
	scripts/install-deps check
	$(MAKE) all
	VKVM_JOBS=$(JOBS) c-tests/run $$(c-tests/run -m)

# Calls all functions of the C API at random, with AddressSanitizer.
fuzz:
	scripts/install-deps check
	VKVM_SANITIZER=address VKVM_SEED=$(SEED) fuzz/api/run $(SECONDS) $(if $(THREADS),--threads $(THREADS))

# An inventory of 16 hosts, whose daemons are killed, stopped and started again, under random
# operations of another process; `make check` does fewer of them.
operations: all
	cd perl && VKVM_OPERATIONS=$(OPERATIONS) VKVM_SEED=$(SEED) prove -b -v t/65-inventory-random.t

install: all
	scripts/install

uninstall:
	scripts/install --uninstall

# The packages are installed into a root of their own; where none can be made, this
# says so and is skipped. A part of check-rest, too: tests/packages.
check-packages:
	scripts/install-deps packages
	$(MAKE) all
	scripts/check-packages || [ $$? = 77 ]

clean:
	cargo clean
	-$(MAKE) -C perl realclean
