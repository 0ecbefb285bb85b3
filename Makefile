# The two commands of the README are `make sandbox` and `make test`; `make help` lists the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
# Bytecode halves every preview; some machines switch it off.
export PYTHONDONTWRITEBYTECODE :=

# Handed on untouched: a command has quotes and dollars that neither make nor the shell may read.
export KADE_COMMAND := $(value CMD)

.PHONY: help setup python sandbox rehearse drills shell test check lint types unit bench golden schemas pages lock clean

help: ## List the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

sandbox: setup ## Build the sandbox on this machine and show its Haven verdict
	@$(BIN)/kade sandbox

rehearse: setup ## Bring an environment up on real back ends of this machine and judge it live; `ENV=production`
	@$(BIN)/kade rehearse up $(or $(ENV),production)

drills: setup ## Every drill on a rehearsal of `ENV`: twenty kills, outages, losses, drift, destroy; takes long
	@$(BIN)/kade rehearse down $(or $(ENV),production) >/dev/null 2>&1 || true
	@$(BIN)/kade rehearse drill all --environment $(or $(ENV),production)

test: setup ## Run every test, with the real engine
	@$(BIN)/pytest -n 2 --dist loadfile

shell: setup ## Open a shell where plain `pulumi` rehearses every stack; `CMD='…'` runs one command there
	@$(BIN)/python -m rehearsal shell $(if $(KADE_COMMAND),--command "$$KADE_COMMAND")

check: python ## Lint, types and the fast tests: what every commit passes
	@$(MAKE) -j2 --output-sync=target lint types unit

lint:
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types:
	@$(BIN)/pyright

unit:
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not engine"

bench: setup ## Measure against named alternatives; writes docs/performance.md
	@$(BIN)/python -m bench

golden: python ## Rewrite the golden files after a wanted change; read the diff
	@UPDATE_GOLDEN=1 $(BIN)/pytest -q tests/stacks

schemas: python ## Rewrite the JSON Schemas of the organisation's files
	@$(BIN)/python -m stacks.models.schemas && $(BIN)/python -m policies.schemas

pages: python ## Rewrite the pages of rules and services
	@$(BIN)/python -m policies.pages && $(BIN)/python -m components.services.pages

lock: python ## Lock the Python dependencies again; `UPGRADE=1` raises what is locked
	@$(BIN)/python -m rehearsal.lock $(if $(UPGRADE),--upgrade)

setup: ## Python environment, Pulumi CLI and language host (cached outside the clone)
	@$(PYTHON) rehearsal/setup.py

python:
	@$(PYTHON) rehearsal/setup.py --python-only

clean: ## Remove what was made in this clone; the cache stays
	@rm -rf .kade out .venv
