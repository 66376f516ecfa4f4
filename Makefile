# The commands people and CI share. Everything they create lives in .venv/ and .puente/, both ignored by git.

# What Python compiles is kept beside the sources, whatever the environment says: a node is a dozen processes, and each
# would compile all that it imports, and each run all tests.
export PYTHONDONTWRITEBYTECODE :=

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --annotation-style line
# Apache Kafka, shown with its progress before a command that hides what it prints. Nothing to do the second time.
FETCH := @$(BIN)/python -m hub.embedded.install
# pip's own notices would only hide ours.
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install

.DEFAULT_GOAL := help
.PHONY: help .venv demo test check format bench proof lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[.a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv: $(INSTALLED) ## install everything that is needed, pinned by hash

$(INSTALLED): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Puente needs Python 3.11 or newer (PYTHON=... names it). / Puente necesita Python 3.11 o posterior."; exit 1; }
	@test -x $(BIN)/python || { echo "Creating $(VENV) / Creando $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing the pinned packages (about 300 MB, once) / Instalando los paquetes fijados (unos 300 MB, una vez)"
	$(PIP) --require-hashes -r requirements-dev.lock
	$(PIP) --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(INSTALLED) ## see it work: two nodes, real samples [INPUT=folder] [ONCE=1]
	$(BIN)/puente demo $(if $(INPUT),--input "$(INPUT)") $(if $(ONCE),--once)

test: $(INSTALLED) ## the whole suite on real PostgreSQL and Kafka [ARGS="-k name"]
	$(FETCH)
	$(BIN)/python -m pytest --numprocesses 3 --dist loadgroup --no-loadscope-reorder $(ARGS)

check: $(INSTALLED) ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED) ## rewrite to the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED) ## measure, one line a figure [ONLY=name]
	$(FETCH)
	$(BIN)/python -m tests.benchmark $(ONLY)

proof: $(INSTALLED) ## long proofs: kill loops and the like [ONLY=name]
	$(FETCH)
	$(BIN)/python -m tests.proof $(ONLY)

# Needs uv on the PATH; the locks name no index, so whatever pip is configured with serves them.
lock: $(INSTALLED) ## write all lock files anew from pyproject.toml and jgo.toml
	uv pip compile pyproject.toml $(LOCK) --output-file requirements.lock
	uv pip compile pyproject.toml $(LOCK) --group dev --output-file requirements-dev.lock
	$(BIN)/python -m hub.embedded.lock .puente/maven
	uv pip compile tests/proof/clients/requirements.in $(LOCK) --output-file tests/proof/clients/requirements.lock
	$(BIN)/python -m hub.embedded.lock .puente/maven tests/proof/clients

clean: ## remove the virtual environment and all state
	rm -rf $(VENV) .puente .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
