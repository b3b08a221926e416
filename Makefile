# `make run` and `make test` are all that a newcomer needs; `make help` lists the rest.
# Variables: PORT=8000 ORIGINS=https://portal.example DYNAMODB_ENDPOINT=http://127.0.0.1:8001 (run), ARGS= (test), STAGE= (package).

.DEFAULT_GOAL := help
.PHONY: help run staff verify-audit test check format lint types contracts promises test-dynamodb test-fhir pages package vocabulary lock clean
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

export PORT ORIGINS DYNAMODB_ENDPOINT
# Python keeps the bytecode of what it compiled, whatever the machine's setting: a second start is seconds quicker.
export PYTHONDONTWRITEBYTECODE :=

PY := .venv/bin/python
STAGE ?= prod
# Each worker has its own embedded AWS; more than four gain nothing.
WORKERS ?= auto
PYTEST := $(PY) -m pytest -n $(WORKERS) --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

# A stamp carries the checksum of all that it was made from, so that a change sets up again and nothing else does.
KEY := $(shell cat requirements.txt requirements-run.txt requirements-dev.txt requirements-pictures.txt infra/build/environment.py | cksum | tr -d ' ')
# Where .venv/bin/python is gone (another Python, another machine), a stamp beside it means nothing.
ifeq ($(wildcard $(PY)),)
RUN_STAMP := set-up-run
DEV_STAMP := set-up-dev
else
RUN_STAMP := .venv/.ready-run-$(KEY)
DEV_STAMP := .venv/.ready-dev-$(KEY)
endif

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

run: $(RUN_STAMP) ## The portal on this machine, with an embedded AWS and sample patients
	@exec $(PY) -m infra.local.run

staff: $(RUN_STAMP) ## Invite a member of staff of a deployment: ARGS="NAME EMAIL --role admin" prints their link
	@$(PY) -m infra.staff $(ARGS)

verify-audit: $(RUN_STAMP) ## Verify the seals of a deployment's audit (STACK, SEALS_BUCKET; ARGS="--chain 3" one chain)
	@$(PY) -m infra.audit --verify $(ARGS)

test: $(DEV_STAMP) ## All tests, the promises at a smaller size
	@$(PYTEST) $(ARGS)

check: $(DEV_STAMP) ## All that CI runs
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory contracts
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory test-dynamodb
	@$(MAKE) --no-print-directory test-fhir
	@$(MAKE) --no-print-directory pages

format: $(DEV_STAMP) ## Format the code and repair what ruff can repair
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .

lint: $(DEV_STAMP) ## ruff: rules and format
	@echo "ruff: rules and format"
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: $(DEV_STAMP) ## mypy, strict
	@echo "mypy"
	@$(PY) -m mypy

contracts: $(DEV_STAMP) ## import-linter: who may import whom
	@echo "import-linter"
	@$(PY) -c 'from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports())'

promises: $(DEV_STAMP) ## The promises at their full figures, as a table
	@PROMISES=full $(PY) -m pytest -n0 -m promise $(ARGS)

test-dynamodb: $(DEV_STAMP) ## The race tests on DynamoDB Local (needs a Java 17 JDK and npm; says so where they are missing)
	@$(PY) -m infra.local.dynamodb_local --if-available $(PY) -m pytest -n0 -q -m "race or dynamodb_local" \
	    tests/races tests/bench/test_record_costs.py \
	    tests/infra/test_dynamodb_semantics.py tests/infra/test_dynamodb_local.py $(ARGS)

test-fhir: $(DEV_STAMP) ## The FHIR API against FHIR's own definitions (needs npm; says so where it is missing)
	@$(PY) -m infra.build.fhir_definitions --if-available $(PY) -m pytest -n0 -q tests/api/test_fhir_definitions.py $(ARGS)

pages: $(DEV_STAMP) ## Every page and email in a real browser, with screenshots in build/pages (says so where there is none)
	@$(PY) -m infra.build.browser --if-available $(PY) -m pytest -n0 -q -m browser tests/browser $(ARGS)
	@if [ -f build/pages/index.html ]; then echo "Screenshots: build/pages/index.html"; fi

package: $(DEV_STAMP) ## What is deployed, in build/STAGE: deployment.zip and sam.yaml
	@$(PY) -m infra.build.package $(STAGE) build/$(STAGE)

vocabulary: $(RUN_STAMP) ## Check the texts that patients read about tests, conditions …; ARGS="asthma" shows one's reading grade
	@$(PY) -m infra.build.vocabulary $(ARGS)

lock: $(DEV_STAMP) ## Pin the dependencies again, with hashes (keeps what still fits; UPGRADE=1 takes the newest)
	@$(PY) -m infra.build.lock $(if $(UPGRADE),--upgrade)

clean: ## Remove all that make made, the local data too
	rm -rf .venv build .local .mypy_cache .ruff_cache .import_linter_cache .hypothesis .chalice/deployments
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- setting up -------------------------------------------------------------------------------------------------------

# macOS and older distributions call a Python python3 that is too old, and may have a newer one beside it.
define SET_UP
	@for python in "$${PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11; do \
	    if command -v "$$python" >/dev/null 2>&1 && "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	        exec "$$python" -B infra/build/environment.py $(1); \
	    fi; \
	done; \
	echo "The portal needs Python 3.11 or newer, found: $$(python3 --version 2>/dev/null || echo none)." >&2; \
	echo "Install it (python.org, your package manager) or name one: PYTHON=/path/to/python3.12 make $(MAKECMDGOALS)" >&2; \
	exit 1
endef

.venv/.ready-run-$(KEY) set-up-run:
	$(call SET_UP,.venv/.ready-run-$(KEY) requirements-run.txt optional:requirements-pictures.txt)

.venv/.ready-dev-$(KEY) set-up-dev:
	$(call SET_UP,.venv/.ready-dev-$(KEY) requirements-dev.txt optional:requirements-pictures.txt wheelhouse)
	@touch .venv/.ready-run-$(KEY)
