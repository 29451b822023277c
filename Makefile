# make run    start the demonstration: a server, a task, this machine's own CPU and memory, alerts
# make test   all tests
# make bench  all benchmarks (release build); BENCH=crate for one crate, make load for the server
# make check  format, lints and tests

CARGO ?= cargo
# The load script for any Kapacitor-compatible server.
LOADBENCH ?= ../shared/bench/loadbench.py

.PHONY: run test bench load check fmt lint prerequisites

prerequisites:
	@./deploy/run/prerequisites.sh

run: prerequisites
	@echo "Building Farad. RocksDB is compiled from source: the first time takes some ten minutes."
	$(CARGO) build --release -p farad-node -p farad-cli -p farad-demo
	@exec "$$($(CARGO) metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/farad-demo"

test: prerequisites
	$(CARGO) test --workspace --no-fail-fast

bench: prerequisites
	$(CARGO) bench $(foreach crate,$(if $(BENCH),$(BENCH),line lambda pipeline store),-p farad-$(crate)) --bench '*'

load: prerequisites
	$(CARGO) build --release -p farad-node
	./deploy/run/load.sh "$(LOADBENCH)" "$$($(CARGO) metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/kapacitord"

fmt:
	$(CARGO) fmt --all --check

lint: prerequisites
	$(CARGO) clippy --workspace --all-targets -- -D warnings

check: fmt lint test
