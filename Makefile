# The commands for newcomers, contributors and CI. `make` alone lists the targets.

CARGO ?= cargo
CC ?= cc
# One build directory for everything, so that dependencies are built once.
TARGET := $(shell $(CARGO) metadata --format-version 1 --no-deps --offline 2>/dev/null | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
LIBRARIES := $(TARGET)/debug
BUILT := $(LIBRARIES)
EXAMPLES = $(BUILT)/examples
# The name by which programs load a library.
soname = $$(readelf -d $(1) | sed -n 's/.*SONAME.*\[\(.*\)\]$$/\1/p')
CFLAGS := -std=c11 -Wall -Wextra -Wpedantic -Werror -O1 -g

# The destination of `make install`, and the build that it installs.
PREFIX ?= /usr/local
PROFILE ?= release

.PHONY: help demo demo-run check test wheel docs bench setup debug release install soak check-deep advisories third-party

help:
	@echo "make demo    the greetings handler on the embedded database, from Rust and from C"
	@echo "make check   format, lints, unit and integration tests of Rust; installs nothing"
	@echo "make test    every check and test; installs the tools it needs (Debian, Ubuntu)"
	@echo "make wheel   the Python package, with the library in it"
	@echo "make check-deep   the long checks: sanitizers, libFuzzer, thousands of kills, long simulation, release build, a browser, licences"
	@echo "make advisories DB=DIR   security advisories for the dependencies, from a clone of the RustSec database in DIR"
	@echo "make third-party   writes the licences and the SBOM of the linked crates, with cargo-about and cargo-cyclonedx"
	@echo "make soak    the simulation for SECONDS=60, with new seeds; see tests/simulation"
	@echo "make docs    writes CONFIGURATION.md, include/postbox.h and the Rust documentation"
	@echo "make install PREFIX=/usr/local    headers, libraries, the command, pkg-config and CMake files; also DESTDIR, LIBDIR"
	@echo "make bench   the measurements of benches/README.md, on a release build"

# One set of features and targets for everything that is tested, so that every dependency is built once.
FEATURES := cli,capi
debug:
	$(CARGO) build --features $(FEATURES) --lib --bins --examples
	@ln -sf libpostbox.so $(LIBRARIES)/$(call soname,$(LIBRARIES)/libpostbox.so)

# The library is built last, without the features that only the command needs.
release:
	$(CARGO) build --release --locked --features cli --bin postbox
	@CARGO="$(CARGO)" tools/release_library.sh

install: $(if $(filter debug,$(PROFILE)),debug,release)
	@DESTDIR="$(DESTDIR)" LIBDIR="$(LIBDIR)" tools/install.sh "$(PREFIX)" "$(TARGET)/$(PROFILE)"

# Built separately from the tests, without their dependencies and without optimisation.
demo: BUILT = $(TARGET)/demo/debug
demo:
	@cp Cargo.lock examples/demo/Cargo.lock
	CARGO_TARGET_DIR=$(TARGET)/demo $(CARGO) build --manifest-path examples/demo/Cargo.toml
	@ln -sf deps/libpostbox.so $(BUILT)/libpostbox.so
	@ln -sf deps/libpostbox.so $(BUILT)/$(call soname,$(BUILT)/libpostbox.so)
	@$(MAKE) --no-print-directory demo-run BUILT=$(BUILT) EXAMPLES=$(BUILT)

# Runs the demo with existing programs in the directory BUILT.
demo-run:
	@printf '\n--- Rust, in memory ---\n'
	@$(EXAMPLES)/greetings
	@printf '\n--- Rust, killed and delivered by another process ---\n'
	@$(EXAMPLES)/sweeper
	@printf '\n--- C, in a file, twice ---\n'
	@$(CC) $(CFLAGS) -Iinclude examples/c/greetings.c -o $(BUILT)/greetings-c -L$(BUILT) -lpostbox -Wl,-rpath,$(BUILT)
	@rm -f $(BUILT)/greetings.db*
	@$(BUILT)/greetings-c $(BUILT)/greetings.db
	@$(BUILT)/greetings-c $(BUILT)/greetings.db

# The checks to run while you work. They install nothing.
check:
	@tests/run.sh check

test: setup
	@tests/run.sh test

wheel:
	@bindings/python/build_wheel.sh

check-deep: setup
	@tools/check_deep.sh

advisories:
	@tools/advisories.sh "$(DB)"

third-party:
	@tools/third_party.py

soak: SECONDS ?= 60
soak:
	POSTBOX_SIMULATION=1 SOAK_SECONDS=$(SECONDS) $(CARGO) test --profile bench --test simulation -- --ignored --nocapture soak

docs:
	POSTBOX_WRITE_DOCS=1 $(CARGO) test --features $(FEATURES) --lib the_configuration_page_is_up_to_date
	$(CARGO) doc --no-deps --features $(FEATURES)

bench:
	$(CARGO) bench

setup:
	@tools/setup.sh
