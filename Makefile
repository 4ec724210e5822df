# Every target gets by itself what is missing on this machine: see scripts/.
# The target directory is cargo's own (CARGO_TARGET_DIR, else target/).

.DEFAULT_GOAL := help
.PHONY: help setup test-tools build run demo test test-long lint bench devices bench-fleet bench-history

LISTEN ?= 127.0.0.1:8080

# Sets DUCKDB_LIB_DIR and the like, and EIDER_FEATURES (empty, or `--features bundled`).
prepared = prepared=$$(scripts/prepare $(1)) && eval "$$prepared"

help: ## what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 \t/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## get what is missing to build, so that plain cargo works too
	@scripts/prepare build >/dev/null

test-tools: ## get the servers that the tests talk to
	@scripts/get-debian test >/dev/null

build: ## build the binary: release/eider in the target directory
	@$(call prepared,build) && cargo build --release --bin eider $$EIDER_FEATURES
	@echo "$$(cargo metadata --format-version 1 --no-deps --offline | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release/eider"

run: ## build, then watch this very machine, with this folder as home (LISTEN=127.0.0.1:8080)
	@$(call prepared,build) && cargo build --release --bin eider $$EIDER_FEATURES && \
	exec cargo run --quiet --release --bin eider $$EIDER_FEATURES -- --home . serve --listen $(LISTEN)

demo: ## build, then watch 20 simulated devices in a home that is gone afterwards (LISTEN=127.0.0.1:8080)
	@$(call prepared,build) && cargo build --release --bin eider $$EIDER_FEATURES && \
	exec scripts/demo "$$(cargo metadata --format-version 1 --no-deps --offline | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release/eider" $(LISTEN)

test: ## run every test against real servers on loopback
	@$(call prepared,test) && cargo test --lib --test it $$EIDER_FEATURES

test-long: ## the faults of storage again, hundreds of times each (half an hour)
	@$(call prepared,test) && EIDER_TEST_LONG=1 cargo test --test it $$EIDER_FEATURES -- store::

lint: ## check the format, clippy and the documentation, warnings denied
	@$(call prepared,build) && cargo fmt --all --check && \
	cargo clippy --all-targets $$EIDER_FEATURES -- -D warnings && \
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --lib $$EIDER_FEATURES

bench: ## measure what we claim about speed
	@$(call prepared,build) && cargo bench --bench speed --bench collect $$EIDER_FEATURES

bench-history: ## what a long history costs (HOSTS=50 DAYS=3 IDLE=40; the reference is 500, 30, 40)
	@$(call prepared,build) && cargo bench --bench history $$EIDER_FEATURES

devices: ## docs/devices.md anew: what comes out of the recordings below DUMPS=DIR (the data of snmpsim-data)
	@$(call prepared,build) && cargo build --release --bin eider $$EIDER_FEATURES && \
	exec scripts/devices "$$(cargo metadata --format-version 1 --no-deps --offline | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release/eider" "$(DUMPS)"

bench-fleet: ## watch 10,000 simulated devices for ten minutes and say what it took (DEVICES= MINUTES= DEAD=percent)
	@$(call prepared,build) && cargo build --release --bin eider $$EIDER_FEATURES && \
	exec scripts/bench-fleet "$$(cargo metadata --format-version 1 --no-deps --offline | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release/eider"
