# Dispatcher. A machine with CPython 3.11 or later, pip and make needs nothing else: every target sets itself up.
# Everything that is installed goes into .venv and is pinned by hash in requirements*.lock.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo install dev test check format lock torture simulate faxstorm stateful crowd receivers inbox-real foreign test-fax test-vendors teeth bench bench-workers bench-audit wheel clean

# The interpreter of the virtual environment: python3 where that is 3.11 or later, otherwise the newest other one.
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(call fit,$(name))))
fit = $(shell $(1) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(1))

# Where the caches of compiled code are switched off, every process of a test compiles the whole program anew.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
LOCKED := --quiet --require-hashes
ARGS ?=

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 22

demo: $(VENV)/.run ## send the sample campaign, on this machine alone, and show what became of every letter
	@$(BIN)/dispatcher demo $(ARGS)

install: $(VENV)/.run ## make ready for use: .venv/bin/dispatcher

dev: $(VENV)/.dev ## make ready for work on the program itself

test: $(VENV)/.dev ## run the tests (ARGS="-k fax" for some of them)
	@$(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

check: $(VENV)/.dev ## lint, format, types, floors
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check . ; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo

format: $(VENV)/.dev ## put the code into its form
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format .

torture: $(VENV)/.dev ## kill workers at random and count what was lost or doubled (ARGS=--long: 10,000 times)
	@PYTHONPATH=tests $(BIN)/python -m torture.run $(ARGS)

simulate: $(VENV)/.dev ## simulate 200,000 letters in storms that one number decides (ARGS="--seed 1 --letters 2000")
	@PYTHONPATH=tests $(BIN)/python -m simulation.run $(ARGS)

faxstorm: $(VENV)/.dev ## 2,000 faxes through three gateways with every fault: no number called twice at once (ARGS="--seed 1")
	@PYTHONPATH=tests $(BIN)/python -m faxstorm.run $(ARGS)

stateful: $(VENV)/.dev ## 5,000 histories of 100 steps beside a model that knows what is true (ARGS="--examples 50")
	@PYTHONPATH=tests $(BIN)/python -m stateful.run $(ARGS)

crowd: $(VENV)/.dev ## two schedulers and four workers over one database: every letter once (ARGS="--letters 20000")
	@PYTHONPATH=tests $(BIN)/python -m crowd.run $(ARGS)

receivers: $(VENV)/.dev ## send to Debian's Postfix and smtp-sink, and hold their ledgers against our record
	@PYTHONPATH=tests $(BIN)/python -m receivers.run $(ARGS)

inbox-real: $(VENV)/.dev ## letters through Debian's Postfix: what bounces, is late, is answered, comes back by LMTP and Dovecot's IMAP
	@PYTHONPATH=tests $(BIN)/python -m mailreal.run $(ARGS)

test-vendors: $(VENV)/.dev ## a fax provider's own npm client against our far end; skipped with its reason where npm is not
	@PYTHONPATH=tests $(BIN)/python -m vendors.run $(ARGS)

test-fax: $(VENV)/.dev ## send over a real T.30 line: Debian's HylaFAX and two software modems, installed if it may (root)
	@PYTHONPATH=tests $(BIN)/python -m faxline.run $(ARGS)

foreign: $(VENV)/.dev ## read the bounces that flufl.bounce publishes with its source, and count what is read right
	@PYTHONPATH=tests $(BIN)/python -m foreign.run $(ARGS)

teeth: $(VENV)/.dev ## take each defence out and see its test fail
	@$(BIN)/python tests/teeth/run.py $(ARGS)

# LibreOffice comes from the system, as what it is compared with: a package of the system, its bindings, its mail merge.
OFFICE := libreoffice-writer-nogui libreoffice-base-nogui libreoffice-base-drivers python3-uno
ROOT_DOES = $(shell test "$$(id -u)" = 0 || command -v sudo)

bench: $(VENV)/.dev ## measure 1,000 letters beside LibreOffice, which it installs if it may (ARGS="--letters 100")
	@command -v soffice >/dev/null && /usr/bin/python3 -c 'import uno' 2>/dev/null \
		|| { command -v apt-get >/dev/null && $(ROOT_DOES) apt-get install -y -qq --no-install-recommends $(OFFICE) >/dev/null; } \
		|| echo "LibreOffice could not be installed here; install these and run again: $(OFFICE)"
	@PYTHONPATH=. $(BIN)/python benchmarks/letters.py $(ARGS)

bench-workers: $(VENV)/.dev ## letters a second with 1, 2 and 4 workers, on PostgreSQL and SQLite (ARGS="--letters 200 --rounds 1")
	@PYTHONPATH=.:tests $(BIN)/python benchmarks/workers.py $(ARGS)

bench-audit: $(VENV)/.dev ## what the audit log costs a worker, with it and without it in one run
	@PYTHONPATH=.:tests $(BIN)/python benchmarks/audit.py $(ARGS)

wheel: $(VENV)/.run ## build dist/dispatcher-*.whl
	@$(BIN)/python -m hatchling build --target wheel

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(ARGS)

lock: | $(BIN)/python ## compile the locks anew (ARGS=--upgrade for the newest releases)
	@test -x $(BIN)/uv || $(PIP) install --quiet uv
	@$(COMPILE) pyproject.toml --output-file requirements.lock
	@$(COMPILE) pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock
	@$(COMPILE) --group build --constraint requirements-dev.lock --output-file requirements-build.lock

clean: ## remove what was made here, but no letters: var/ and demo/ stay
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made without pip of its own, which is faster and needs no python3-venv package;
# where the machine's pip cannot install into another interpreter, the ordinary way is taken.
$(BIN)/python:
	$(if $(PYTHON),,$(error No Python of version 3.11 or later was found. Install one, or name it: make PYTHON=/path/to/python3))
	@echo "Setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --without-pip $(VENV)
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)

$(VENV)/.run: requirements.lock requirements-build.lock pyproject.toml Makefile | $(BIN)/python
	@$(call bring_uv)
	@$(call install_locked,requirements.lock)
	@$(call install_ourselves)
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@$(call install_locked,requirements-dev.lock)
	@touch $@

# One of the two pips there may be: the environment's own, or the machine's, told to install into the environment.
PIP = $$(test -x $(BIN)/pip && echo $(BIN)/pip || echo $(PYTHON) -m pip --python $(BIN)/python)

define bring_uv
	$(PIP) install --disable-pip-version-check $(LOCKED) --no-deps -r requirements-build.lock \
		|| echo "uv cannot be installed here; pip will do its work, only slower"
endef

# Without uv there is no build backend either, and pip takes it from the larger lock.
define install_locked
	if test -x $(BIN)/uv; \
	then $(BIN)/uv pip install --python $(BIN)/python $(LOCKED) -r $(1); \
	else $(PIP) install --disable-pip-version-check $(LOCKED) -r requirements-dev.lock; fi
endef

define install_ourselves
	if test -x $(BIN)/uv; \
	then $(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation --editable .; \
	else $(PIP) install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .; fi
endef
