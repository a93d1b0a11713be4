# Two commands do everything: `make demo` shows the product, `make test` proves it. Both create .venv on first use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

.PHONY: demo test check format docs bench soak clean help

help:
	@echo "make demo     the whole product on this machine in under a minute, without account or network"
	@echo "make test     every test; suites whose servers are not installed are skipped, loudly"
	@echo "make check    ruff, format, mypy --strict, import-linter"
	@echo "make docs     regenerate the pages that are drawn from the code"
	@echo "make bench    the benchmarks, as JSON"
	@echo "make soak     new worlds of the simulation for MINUTES (10); MUTANTS=1: every mutant too"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "cadenced needs Python 3.11 or newer; try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "install Debian's python3-venv first"; exit 1; }

$(STAMP): $(BIN)/python pyproject.toml
	@echo "installing cadenced into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(DEV_STAMP): $(BIN)/python pyproject.toml
	@echo "installing cadenced and its tools into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(STAMP)

demo: $(STAMP)
	@$(BIN)/cadenced demo $(DEMO)

test: $(DEV_STAMP)
	$(BIN)/python -m pytest $(TESTS)

check: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV_STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DEV_STAMP)
	$(BIN)/python tests/draw_pages.py

bench: $(DEV_STAMP)
	@for file in tests/benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

MINUTES ?= 10

soak: $(DEV_STAMP)
	$(BIN)/python tests/simulation/soak.py --minutes $(MINUTES)
	@test -z "$(MUTANTS)" || CADENCED_ALL_MUTANTS=1 $(BIN)/python -m pytest tests/simulation/test_mutants.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
