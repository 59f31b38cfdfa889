# Two commands for everybody: `make train` and `make test`. Both make .venv on the first call.
# Written for POSIX sh and make 3.81 (macOS). No path here is absolute, so the folder's own may hold spaces.

bin := .venv/bin
ARGS ?=
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help train test soak lint lock clean env env-dev style format types imports pytest
.NOTPARALLEL:

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "Settings, before the command or after it (PYTHON=python3.12 make train):"
	@echo "  ARGS             more words for 'etude train':  make train ARGS='trainer.max_epochs=1'"
	@echo "  PYTEST_ARGS      more words for pytest:         make test PYTEST_ARGS='-k vocabulary'"
	@echo "  PYTHON           the Python to use, 3.11 or newer; kept in .venv until 'make clean'"
	@echo "  TORCH_PIP_ARGS   more words for the 'pip install' of torch; kept likewise. On Linux the usual build"
	@echo "                   carries gigabytes of CUDA. For the CPU build, choose Stable, Linux, Pip, Python"
	@echo "                   and CPU on PyTorch's 'Get Started' page, and hand on the --index-url it shows:"
	@echo "                   TORCH_PIP_ARGS='--index-url ADDRESS' make train"

train: env ## train the default model, sample from it, and say where the files are
	$(bin)/etude train $(ARGS)

test: lint pytest ## every gate: lint, then the tests

soak: env-dev ## the long forms of the journeys that kill trainings, sweeps and searches again and again
	OMP_NUM_THREADS=1 $(bin)/python -m pytest -m soak $(PYTEST_ARGS) tests

lint: style format types imports ## the gates that run nothing: ruff, mypy, import-linter

lock: ## write requirements/lock*.txt anew from pyproject.toml (needs uv)
	@sh scripts/lock.sh

clean: ## remove .venv, caches and built packages; data/ and outputs/ stay
	rm -rf .venv .venv.lock build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The gates are targets of their own, so that `make -k test` tells all that is wrong at once.
style: env-dev
	$(bin)/ruff check

format: env-dev
	$(bin)/ruff format --check

types: env-dev
	$(bin)/mypy

imports: env-dev
	$(bin)/lint-imports

# One thread each: two processes with two spinning threads each are far slower on a small machine.
pytest: env-dev
	OMP_NUM_THREADS=1 $(bin)/python -m pytest -n 2 $(PYTEST_ARGS) tests

env:
	@sh scripts/install.sh

env-dev:
	@sh scripts/install.sh dev
