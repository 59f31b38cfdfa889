# Two commands for everybody: `make train` and `make test`. Each makes .venv on the first call.
# Written for POSIX sh and make 3.81 (macOS). All paths are relative, so the checkout's path may contain spaces.

bin := .venv/bin
ARGS ?=
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help train test soak bench bench-quick lint docs audit lock clean env env-dev style format types imports pytest
.NOTPARALLEL:

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "Settings, before the command or after it (PYTHON=python3.12 make train):"
	@echo "  ARGS             arguments for 'etude train':  make train ARGS='trainer.max_epochs=1'"
	@echo "  PYTEST_ARGS      arguments for pytest:         make test PYTEST_ARGS='-k vocabulary'"
	@echo "  PYTHON           Python interpreter, 3.11 or newer; kept in .venv until 'make clean'"
	@echo "  TORCH_PIP_ARGS   arguments for 'pip install torch'; kept likewise. On Linux the usual build brings"
	@echo "                   gigabytes of CUDA libraries. For the CPU build, choose Stable, Linux, Pip, Python,"
	@echo "                   CPU on PyTorch's 'Get Started' page and pass on the --index-url that it shows:"
	@echo "                   TORCH_PIP_ARGS='--index-url ADDRESS' make train"

train: env ## train the default model, write five melodies, and say where the files are
	$(bin)/etude train $(ARGS)

test: lint pytest ## every gate: lint, then the tests

soak: env-dev ## the long tests, then SOAK_MINUTES (60) of kills, damage, full disks and mutations; resumable
	OMP_NUM_THREADS=1 $(bin)/python -m pytest -m soak $(PYTEST_ARGS) tests
	OMP_NUM_THREADS=1 PYTHONPATH=tests $(bin)/python -m soak

bench: env ## speed beside the alternatives, in docs/results.md; bench-quick: a short form
	OMP_NUM_THREADS=1 $(bin)/python benchmarks/bench.py --into docs/results.md

bench-quick: env
	OMP_NUM_THREADS=1 $(bin)/python benchmarks/bench.py --quick

lint: style format types imports ## the static gates: ruff, mypy, import-linter

docs: env-dev ## build the documentation site in build/docs, with an API reference; every link is checked
	rm -rf docs/reference
	$(bin)/python -m sphinx -q -W --keep-going -b html docs build/docs -d build/doctrees

audit: ## known vulnerabilities of the locked packages, and a bill of materials in build/sbom.json (needs the net)
	@sh scripts/audit.sh

lock: ## rewrite requirements/lock*.txt from pyproject.toml (needs uv)
	@sh scripts/lock.sh

clean: ## remove .venv, caches and built packages; data/ and outputs/ stay
	rm -rf .venv .venv.lock build docs/reference dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Each gate is a target, so that `make -k test` reports every failure in one run.
style: env-dev
	$(bin)/ruff check

format: env-dev
	$(bin)/ruff format --check

types: env-dev
	$(bin)/mypy

imports: env-dev
	$(bin)/lint-imports

# Three processes keep two cores busy: many tests wait for a child. One thread each: processes with two spinning
# threads each are far slower on a small machine.
# With worksteal a module mostly stays in one process, which makes its fixtures once. Compiled files are kept
# even where PYTHONDONTWRITEBYTECODE is set: the tests start Python often.
pytest: env-dev
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(bin)/python -m pytest -n 3 --dist worksteal $(PYTEST_ARGS) tests

env:
	@sh scripts/install.sh

env-dev:
	@sh scripts/install.sh dev
