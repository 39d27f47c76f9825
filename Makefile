# The commands of the project; README.md tells what they are for.

URI     ?= test:///default
PREFIX  ?= /usr/local

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n1)
LIBRARY := target/release/libvkvm.so
XS      := $(wildcard perl/*.c perl/*.h perl/*.xs perl/generated/*)

.PHONY: all library perl demo check check-rust check-c check-perl bench generate sanitize clean

all: library perl

library:
	cargo build --release
	ln -sf libvkvm.so $(LIBRARY).0

perl: perl/blib/.built

perl/blib/.built: perl/Makefile $(XS) $(shell find perl/lib -type f)
	$(MAKE) -C perl
	touch $@

perl/Makefile: perl/Makefile.PL include/vkvm.h | library
	cd perl && perl Makefile.PL

generate:
	cargo xtask generate

clean:
	cargo clean
	-$(MAKE) -C perl realclean
