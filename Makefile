# Two commands for a newcomer: `make demo` and `make test`. Both create .venv with plain venv and pip, and show the
# pip lines. The stamps inside .venv make a second call start at once. Another interpreter: make PYTHON=python3.12 demo

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint types docs clean

help:
	@echo "make demo    install, check the paper's five schemes, train and attack them on the digits data (minutes)"
	@echo "make test    install what is missing and run the whole test suite"
	@echo "make lint    ruff (check and format) and the import layers"
	@echo "make types   mypy, strict, over the package, the benchmarks and the examples"
	@echo "make docs    the site, strictly, into site/ (open site/index.html)"
	@echo "make clean   remove .venv, caches and build output (runs/ stays)"

demo: $(VENV)/.installed-demo
	$(BIN)/rkblocks demo

test: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.installed-dev
	$(BIN)/mypy

docs: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

$(VENV)/.created:
	@$(PYTHON) -c "import sys; sys.version_info >= (3, 11) or sys.exit('rkblocks needs Python 3.11 or newer, $(PYTHON) is ' + sys.version.split()[0] + '; name another: make PYTHON=python3.12 $(MAKECMDGOALS)')"
	@$(PYTHON) -c "import venv, ensurepip" || { echo "$(PYTHON) cannot create environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed-demo: pyproject.toml $(VENV)/.created
	@echo "installing torch and what the demo needs, some gigabytes: 2 to 5 minutes, 10 on a busy machine"
	$(PIP) install --editable '.[demo]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.created
	@echo "installing torch, JAX and what the tests need, some gigabytes: 2 to 8 minutes, more on a busy machine"
	$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/.installed-demo

clean:
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
