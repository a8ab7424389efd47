# Every habit of the project. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PORT ?= 8000
DATA_DIR ?= .data
ACCOUNT ?= acc_demo
SCOPE ?=
SUITE ?= embedded
SERVICE ?=
ARGS ?=

SERVICES := scheduling clients payments notifications
PACKAGES := shared/contracts shared/chassis $(SERVICES:%=services/%) deploy/sandbox deploy/embedded
IMPORTS := contracts chassis $(SERVICES) sandbox embedded
TESTS := $(wildcard shared/*/tests services/*/tests deploy/*/tests) tests conftest.py requirements benchmarks
PYTHON := .venv/bin/python
# Compiled when first imported: compiling all of it takes longer than the rest of the installation.
PIP_INSTALL := -m pip install -qq --disable-pip-version-check --no-compile --require-hashes --no-deps

.PHONY: help run demo demo-data token console test fakes chaos lint format contracts bench up down lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.run ## the embedded suite in the foreground: PORT=8000 DATA_DIR=.data
	@exec $(PYTHON) -m embedded --port $(PORT) --data-dir "$(DATA_DIR)" $(ARGS)

console: ## build the calendar page once, as `make run` does in the background
	@console/build

demo: .venv/.run ## the whole path on a running suite, told hop by hop: PORT=8000 DATA_DIR=.data
	@exec $(PYTHON) -m embedded.demo --port $(PORT) --data-dir "$(DATA_DIR)" $(ARGS)

demo-data: .venv/.run ## a practice full of invented clients and sessions, on a running suite: PORT=8000 DATA_DIR=.data
	@exec $(PYTHON) -m embedded.demo_data --port $(PORT) --data-dir "$(DATA_DIR)" $(ARGS)

token: .venv/.run ## a token for local use: ACCOUNT=acc_demo SCOPE="sessions:read" DATA_DIR=.data, or SUITE=compose
	@exec $(PYTHON) -m embedded.token --account "$(ACCOUNT)" $(if $(SCOPE),--scope "$(SCOPE)") \
	    $(if $(filter compose,$(SUITE)),--env-file .env,--data-dir "$(DATA_DIR)")

ifeq ($(SERVICE),)
test: .venv/.dev fakes ## all tests, or one service's in an environment of its own: SERVICE=payments
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q $(ARGS)
else
test: services/$(SERVICE)/.venv/.test $(if $(filter payments,$(SERVICE)),fakes)
	services/$(SERVICE)/.venv/bin/python -m pytest -q services/$(SERVICE)/tests $(ARGS)
endif

chaos: .venv/.dev ## kill and restart parts under work, on a real broker and database
	$(PYTHON) -m pytest -m chaos -q $(ARGS)

lint: .venv/.dev ## style, types, walls between the packages, published contracts
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy $(IMPORTS:%=-p %)
	$(PYTHON) -m mypy $(TESTS)
	.venv/bin/lint-imports --no-logo
	$(PYTHON) -m contracts.generate --check
	$(PYTHON) -m contracts.compatibility
	$(PYTHON) -m embedded.openapi --check
	@console/build
	@bin=$$(requirements/node) && cd console && PATH="$${bin:+$$bin:}$$PATH" npm run --silent lint

format: .venv/.dev ## what ruff can mend by itself
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

contracts: .venv/.dev ## regenerate the JSON Schemas, the AsyncAPI and the OpenAPI documents
	$(PYTHON) -m contracts.generate
	$(PYTHON) -m embedded.openapi

bench: .venv/.dev benchmarks/.venv/.peers ## measure, beside peers on the same machine
	PEERS_PYTHON=benchmarks/.venv/bin/python $(PYTHON) -m benchmarks $(ARGS)

up: ## the suite on RabbitMQ and PostgreSQL in containers; returns when all is ready
	@deploy/compose/up

down: ## end it and keep its data; ARGS=-v throws the data away
	@deploy/compose/down $(ARGS)

lock: .venv/.dev ## compile the lock files anew; ARGS=--upgrade for newer versions
	$(PYTHON) requirements/lock.py $(ARGS)

clean: ## remove environments and caches, keep data and secrets
	rm -rf .venv services/*/.venv benchmarks/.venv requirements/.venv console/node_modules console/dist console/.build .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# Environments. Our own packages are linked by path, so that nothing is built before the first start.
.venv/.run: requirements/run.lock requirements/venv
	@requirements/venv .venv >&2
	@echo "installing requirements/run.lock into .venv (once)" >&2
	@$(PYTHON) $(PIP_INSTALL) -r requirements/run.lock >&2
	@for package in $(PACKAGES); do echo "$(CURDIR)/$$package"; done \
	    > "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/timeblu.pth"
	@touch $@

.venv/.dev: requirements/dev.lock .venv/.run
	@echo "installing requirements/dev.lock into .venv" >&2
	@$(PYTHON) $(PIP_INSTALL) -r requirements/dev.lock >&2
	@touch $@

benchmarks/.venv/.peers: requirements/bench.lock requirements/venv
	@requirements/venv benchmarks/.venv >&2
	@echo "installing requirements/bench.lock into benchmarks/.venv" >&2
	@benchmarks/.venv/bin/python $(PIP_INSTALL) -r requirements/bench.lock >&2
	@touch $@

# Stripe as others play it, in an environment of its own. Where it cannot be installed,
# the tests that need it fail, and say so; the others run.
fakes:
	@$(MAKE) tests/fakes/.venv/.ready || true

tests/fakes/.venv/.ready: requirements/fakes.lock requirements/node.lock tests/fakes/package-lock.json requirements/venv requirements/node
	@requirements/venv tests/fakes/.venv >&2
	@echo "installing what others wrote to play Stripe into tests/fakes" >&2
	@tests/fakes/.venv/bin/python $(PIP_INSTALL) -r requirements/fakes.lock >&2
	@node=$$(requirements/node) && cd tests/fakes && \
	    PATH="$${node:+$$node:}$$PATH" npm ci --ignore-scripts --no-audit --no-fund --silent >&2
	@touch $@

# One service as it is released: its own lock, contracts, chassis and itself, nothing of another service; and beside it
# what its tests need, of which the sandbox stands for the outside.
services/%/.venv/.test: services/%/requirements.lock requirements/test.lock deploy/sandbox/requirements.lock \
    services/%/pyproject.toml $(wildcard shared/*/pyproject.toml)
	@requirements/venv services/$*/.venv >&2
	@services/$*/.venv/bin/python $(PIP_INSTALL) -r services/$*/requirements.lock \
	    -r requirements/test.lock -r deploy/sandbox/requirements.lock >&2
	@services/$*/.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation \
	    -e shared/contracts -e shared/chassis -e deploy/sandbox -e services/$* >&2
	@services/$*/.venv/bin/python -m pip check >&2
	@touch $@
