# `make` alone says what there is. Everything runs in .venv, which `make setup` makes from the hashed lock.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

PY := .venv/bin/python

# Most of the time tests wait for servers: three side by side suit two cores. PARALLEL= runs one after another.
PARALLEL ?= --numprocesses 3 --dist loadgroup

QUIETLY := --quiet --no-input --disable-pip-version-check --no-deps --require-hashes --only-binary :all:

# Words handed on to pytest, as in: make test-fast ARGS="-k naming -x"
ARGS ?=

.PHONY: help
help: ## Say what each target does
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  make setup PYTHON=python3.12      with a Python of your choice (3.11 to 3.13)"
	@echo "  make test-fast ARGS='-k name -x'  with words for pytest"

.PHONY: setup
setup: ## Make .venv and install everything, checked by hash
	@PYTHON="$(PYTHON)" sh dev/repo/setup.sh

.PHONY: demo
demo: setup ## Deliver examples/shop to a simulated cluster, show it, stop
	@$(PY) -m dev demo

.PHONY: dev
dev: setup ## The same, and stay up until Ctrl-C
	@$(PY) -m dev up --demo

.PHONY: test
test: setup ## All tests, also on a real Kubernetes control plane (built once, about 9 minutes)
	@$(PY) -m dev.repo.go
	@$(PY) -m dev.plane build
	@$(PY) -m pytest $(PARALLEL) $(ARGS)

.PHONY: test-fast
test-fast: setup ## All tests that need no real control plane
	@$(PY) -m pytest $(PARALLEL) -m "not plane" $(ARGS)

.PHONY: chaos
chaos: setup ## Kill everything again and again for 5 minutes while delivering (ARGS="--seed N" repeats)
	@$(PY) -m dev.repo.go
	@$(PY) -m dev.plane build
	@$(PY) -m tests.chaos --applications 300 --seconds 300 --every 2 --cluster plane $(ARGS)

.PHONY: fuzz
fuzz: setup ## Feed the parser, planning, the converter and all types a million inputs (ARGS="--inputs N --seed N")
	@$(PY) -m pip install $(QUIETLY) --requirement requirements-fuzz.lock || echo "no atheris: going on without"
	@nice -n 10 $(PY) -m tests.fuzz $(ARGS)

.PHONY: bench
bench: setup ## Measure, each figure beside its baseline; about 20 minutes (less: ARGS="core chain --quick")
	@$(PY) -m dev.repo.go
	@$(PY) -m dev.plane build
	@$(PY) -m tests.bench --json build/bench.json $(ARGS)

.PHONY: lint
lint: setup ## Rules, format, and which module may import which
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@.venv/bin/lint-imports
	@$(PY) -m dev.repo.hygiene

.PHONY: typecheck
typecheck: setup ## mypy --strict over sources and tests
	@$(PY) -m mypy

.PHONY: gen
gen: setup ## Write the generated files anew (schemas, OpenAPI, AsyncAPI)
	@$(PY) -m dev.generate

.PHONY: check-stale
check-stale: setup ## Fail if a generated file or a lock is out of date
	@$(PY) -m dev.repo.stale

.PHONY: images
images: ## Build the images of all services (needs Docker)
	@for t in gateway planner executor observe record; do docker build --target $$t -t kubemin/$$t:0.1.0 . || exit 1; done

.PHONY: lock
lock: setup ## Resolve the locks anew from pyproject.toml (UPGRADE=1: to the newest versions)
	@$(PY) -m dev.repo.lock $(if $(UPGRADE),--upgrade)

.PHONY: clean
clean: ## Remove .venv and everything else that was made here
	@rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
