# `make docs` writes the site to site/, `make gallery` runs the studies whose pages it takes in.
# `make study` is the main result. Checks in three lanes: `check` (one minute), `test` (nine), `nightly` (all).
# `check-oldest` runs the quick tests with the oldest versions that pyproject.toml promises, `wheel-check` with the wheel
# alone in an empty environment.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OLDEST := .venv-oldest
WHEEL  := .wheel
PIP    := -m pip install --quiet --disable-pip-version-check

# Hundreds of checks start processes of their own: they share bytecode and compiled programs.
export PYTHONDONTWRITEBYTECODE :=
COMPILED := JAX_COMPILATION_CACHE_DIR=$(CURDIR)/.jax_cache JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 \
            JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1

# The lanes for every day make many small programs and run each once or twice: compiling them as users do is most of
# the processor time (tests/experiment and tests/laws side by side: 128 s so, 67 s with these; of two other files level 0
# alone saved half as much, level 1 a tenth). The nightly lane compiles as users do, so that both ways are tested.
# Numbers agree to rounding.
QUICKLY := $(COMPILED) XLA_FLAGS="$(XLA_FLAGS) --xla_backend_optimization_level=0 \
           --xla_llvm_disable_expensive_passes=true --xla_cpu_use_fusion_emitters=false"

# Tests that take under a minute in all, and need no PyTorch.
QUICK := tests/surface tests/scaling tests/model tests/data tests/test_checks.py tests/test_entry.py \
         tests/test_outcome.py tests/test_estimate.py tests/test_file.py src/lazyscope/scaling src/lazyscope/model
# Commands, stores and pages: what stands on most of the other libraries.
STORED := tests/cli/test_regime_command.py tests/sweep/test_store.py tests/report/test_map_page.py
# Python files of the last commit and of the work since.
CHANGED = $(shell { git diff --name-only --diff-filter=d HEAD~1 -- src; git ls-files --others --exclude-standard src; } \
            2>/dev/null | grep '\.py$$')

.PHONY: study docs gallery check check-oldest wheel-check test nightly bench lint style types changed-types quick clean

$(VENV)/.run-installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --editable .
	touch $@

$(VENV)/.dev-installed: $(VENV)/.run-installed
	$(BIN)/python $(PIP) --editable ".[dev]"
	touch $@

$(OLDEST)/.installed: pyproject.toml tools/oldest.py
	test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	$(PYTHON) tools/oldest.py cluster test > $(OLDEST)/requirements.txt
	$(OLDEST)/bin/python $(PIP) --requirement $(OLDEST)/requirements.txt --editable .
	touch $@

study: $(VENV)/.run-installed
	$(BIN)/lazyscope study kappa --output lazyscope-study-kappa

style: $(VENV)/.dev-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev-installed
	$(BIN)/pyright

changed-types: $(VENV)/.dev-installed
	$(if $(CHANGED),$(BIN)/pyright $(CHANGED),@echo "no file of src changed since the last commit but one")

lint: style types

quick: $(VENV)/.dev-installed
	$(QUICKLY) $(BIN)/python -m pytest -n 2 -m "not slow" $(QUICK)

# Side by side, each with its output in one piece.
check: $(VENV)/.dev-installed
	$(MAKE) --no-print-directory --jobs 3 --output-sync=target style changed-types quick

# What old versions of others deprecate is not ours to mend: warnings are shown, not errors.
check-oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/python -m pytest -n 2 -W default -m "not slow" $(QUICK) $(STORED)

# Beside a copy of everything but src, so that what a user installs is what is tested.
wheel-check: $(VENV)/.dev-installed
	rm -rf $(WHEEL) && mkdir -p $(WHEEL)/tree
	$(BIN)/python -m build --no-isolation --wheel --outdir $(WHEEL)/dist .
	$(PYTHON) -m venv $(WHEEL)/env
	$(WHEEL)/env/bin/python $(PIP) "$$(echo $(CURDIR)/$(WHEEL)/dist/*.whl)[test]"
	cp -r tests docs tools conftest.py pyproject.toml README.md CHANGELOG.md CITATION.cff $(WHEEL)/tree
	cd $(WHEEL)/tree && env -u PYTHONPATH ../env/bin/python -m pytest -n 2 -m "not slow" \
	  $(filter tests/%,$(QUICK) $(STORED)) --pyargs lazyscope.scaling lazyscope.model

test: lint
	$(QUICKLY) $(BIN)/python -m pytest -n 2 -m "not slow"

nightly: lint
	$(COMPILED) $(BIN)/python -m pytest -n 2

bench: $(VENV)/.dev-installed
	$(BIN)/python -m benchmarks

# Strict: a link, an anchor or a formula that is wrong, and a tutorial that fails, end it; so does a built
# site that lacks something.
docs: $(VENV)/.dev-installed
	NO_MKDOCS_2_WARNING=1 $(COMPILED) $(BIN)/python -m mkdocs build --strict
	LAZYSCOPE_SITE=$(CURDIR)/site $(BIN)/python -m pytest tests/site/test_built_site.py
	@echo "site/index.html"

# Minutes: every page of the gallery. What its stores hold is not run twice.
gallery: $(VENV)/.run-installed
	$(COMPILED) $(BIN)/python tools/site/gallery.py

clean:
	rm -rf $(VENV) $(OLDEST) $(WHEEL) site gallery .site_cache build dist .jax_cache .pytest_cache .ruff_cache
