# `make demo` and `make test` set up everything they need in .venv and a per-user cache.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help venv demo test unit integration simulate chaos chaos-long e2e lint format crds docs lock bench bench-full bench-peers bench-takeover clean

help: ## list the targets
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

venv: $(READY) ## create .venv with djob and kubectl-djob

$(READY): pyproject.toml requirements-dev.lock local/venv.sh
	@local/venv.sh $(VENV) requirements-dev.lock
	@touch $@

demo: $(READY) ## the examples on a cluster of their own, results checked
	@$(BIN)/python examples/demo.py

test: $(READY) ## unit and integration tests, on real parts
	@$(BIN)/python -m pytest

unit: $(READY) ## the tests that need no socket
	@$(BIN)/python -m pytest tests/unit

integration: $(READY) ## the tests on a real API server, NATS and processes
	@$(BIN)/python -m pytest tests/integration

simulate: $(READY) ## whole systems in virtual time: SEEDS= how many, FROM= which, or SEED= one in full
	@$(BIN)/python -m tests.support.simulation --seeds $(or $(SEEDS),2000) --from $(or $(FROM),0) \
	  $(if $(SEED),--seed $(SEED)) $(if $(SHRINK),--shrink)

chaos: $(READY) ## real faults, about 14 minutes; SEED= ROWS=1,21-26 MINUTES= choose
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(ROWS),--rows $(ROWS)) \
	  $(if $(MINUTES),--minutes $(MINUTES))

chaos-long: $(READY) ## every row at full size: over 1,000 faults, over 1,000,000 tasks
	@$(BIN)/python -m tests.chaos --long --minutes $(or $(MINUTES),240) \
	  $(if $(SEED),--seed $(SEED)) $(if $(ROWS),--rows $(ROWS))

e2e: $(READY) ## the stories of users on a real cluster: nodes of its own as root, or kind, or yours
	@$(BIN)/python -m tests.e2e $(if $(HOLD),--hold) $(if $(ONLY),-k "$(ONLY)")

lint: $(READY) ## format, lint, types, import rules, generated files, gates of the chart
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m distributedjob_api --check
	@$(BIN)/python helm/pinned.py --check
	@$(BIN)/python helm/gates.py

format: $(READY) ## let ruff rewrite what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

BENCH := $(BIN)/python -m bench $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(TASKS),--tasks $(TASKS)) \
  $(if $(ACCEPT),--accept)

bench: $(READY) ## every figure, about 10 minutes; ROUNDS= and TASKS= change how many, ACCEPT=1 keeps the ratios
	@$(BENCH)

bench-full: $(READY) ## and a million tasks, 10,000 queued jobs, the whole simulations; about 40 minutes
	@$(BENCH) --full

bench-peers: $(READY) ## Ray, Dask and Celery, each at its best, in a venv of their own
	@$(BIN)/python -m bench.peers

bench-takeover: $(READY) ## how long nobody leads: leaders killed and stopped; ROUNDS= of each
	@$(BIN)/python -m bench.takeover --rounds $(or $(ROUNDS),20)

crds: $(READY) ## write the CRD from the models, and the plain manifests from the chart
	@$(BIN)/python -m distributedjob_api
	@$(BIN)/python helm/pinned.py

COMPILE = $(BIN)/python -m uv pip compile --quiet --universal --generate-hashes --no-annotate \
  --no-header --python-version 3.11

docs: $(READY) ## run the commands of docs/cli.md and write down what they say
	@$(BIN)/python docs/record.py

lock: $(READY) ## pin every dependency, with hashes and without addresses
	@$(COMPILE) pyproject.toml -o requirements.lock
	@$(COMPILE) --all-extras --group dev pyproject.toml -o requirements-dev.lock
	@$(COMPILE) --group build -o requirements-build.lock -c <(sed 's/;.*//;/--hash/d;s/ \\$$//' requirements-dev.lock)
	@$(COMPILE) --group checkov -o requirements-checkov.lock
	@$(COMPILE) --group worker -o requirements-worker.lock -c <(sed 's/;.*//;/--hash/d;s/ \\$$//' requirements.lock)

clean: ## remove what the other targets made here
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
