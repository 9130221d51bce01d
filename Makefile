# `make study` is the main result. Checks in three lanes: `check` (two minutes), `test` (all but the slow ones),
# `nightly` (all).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# Hundreds of checks start processes of their own: they share bytecode and compiled programs.
export PYTHONDONTWRITEBYTECODE :=
COMPILED := JAX_COMPILATION_CACHE_DIR=$(CURDIR)/.jax_cache JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 \
            JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1

.PHONY: study check test nightly bench lint clean

$(VENV)/.run-installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.dev-installed: $(VENV)/.run-installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

study: $(VENV)/.run-installed
	$(BIN)/lazyscope study kappa --output lazyscope-study-kappa

lint: $(VENV)/.dev-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

check: lint
	$(COMPILED) $(BIN)/python -m pytest -n 2 -m "not slow" tests/surface tests/scaling tests/data tests/measure \
	    tests/test_checks.py tests/test_entry.py tests/test_outcome.py src/lazyscope/scaling src/lazyscope/measure

test: lint
	$(COMPILED) $(BIN)/python -m pytest -n 2 -m "not slow"

nightly: lint
	$(COMPILED) $(BIN)/python -m pytest -n 2

bench: $(VENV)/.dev-installed
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist .jax_cache .pytest_cache .ruff_cache
