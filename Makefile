# make run    start the demonstration: a server, a task, this machine's own CPU and memory, alerts
# make test   all tests, of which those with real clusters take some ten minutes
# make soak   faults drawn by a seed on a real cluster: FARAD_SEED=7 FARAD_MINUTES=60 make soak
# make bench  all benchmarks (release build); BENCH=crate for one crate, make load for the server
# make check  format, lints and tests

CARGO ?= cargo
# The load script for any Kapacitor-compatible server.
LOADBENCH ?= ../shared/bench/loadbench.py

.PHONY: run test soak bench load load-cluster check fmt lint prerequisites prerequisites-test

prerequisites:
	@./deploy/run/prerequisites.sh

prerequisites-test:
	@./deploy/run/prerequisites.sh test

run: prerequisites
	@echo "Building Farad. RocksDB is compiled from source: the first time takes some ten minutes."
	$(CARGO) build --release -p farad-node -p farad-cli -p farad-demo
	@exec "$$($(CARGO) metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/farad-demo"

test: prerequisites-test
	$(CARGO) test --workspace --no-fail-fast
	@if command -v python3 >/dev/null; then python3 -B cluster-tests/compare/test_compare.py; \
		else echo "There is no python3: the tests of cluster-tests/compare are skipped."; fi

soak: prerequisites-test
	$(CARGO) build -p farad-node
	$(CARGO) test -p farad-cluster-tests --test scenarios -- --ignored --exact soak

bench: prerequisites
	$(CARGO) bench $(foreach crate,$(if $(BENCH),$(BENCH),line lambda template pipeline store),-p farad-$(crate)) --bench '*'

load: prerequisites
	$(CARGO) build --release -p farad-node
	./deploy/run/load.sh "$(LOADBENCH)" "$$($(CARGO) metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/kapacitord"

load-cluster: prerequisites
	$(CARGO) build --release -p farad-node
	./deploy/run/load_cluster.sh "$(LOADBENCH)" "$$($(CARGO) metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/kapacitord"

fmt:
	$(CARGO) fmt --all --check

lint: prerequisites
	$(CARGO) clippy --workspace --all-targets -- -D warnings

check: fmt lint test
