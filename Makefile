# Everything a user, a developer and CI do, in the one place. `make` alone lists it.
VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?=
JOBS   ?= 2

# What is installed decides whether a target has anything to do: edit either file and it does.
PINS := pyproject.toml constraints.txt
PIP  := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help app test check bench docs screenshots clean
.SILENT:

help: ## list these targets
	sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-13s %s\n", $$1, $$2}'
	echo "  PYTHON=path chooses the Python (3.11 or 3.12) and JOBS=n the test processes (now $(JOBS))."

app: $(VENV)/app.stamp ## install what a user needs and open the what-if app (Ctrl-C stops it)
	$(BIN)/twin app

test: $(VENV)/test.stamp check ## install what a developer needs, run the checks, then every test
	marks="$$(.ci/parts)" && \
	echo "== with the JIT off: the small tests, and what they cover" && \
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q -n $(JOBS) -m nojit --cov --cov-report=term && \
	echo "== as users run it" && \
	$(BIN)/twin warmup && \
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "$$marks"

check: $(VENV)/test.stamp ## style, types, import contracts and spelling
	echo "== ruff";         $(BIN)/ruff check .
	echo "== ruff format";  $(BIN)/ruff format --check .
	echo "== mypy";         $(BIN)/mypy
	echo "== lint-imports"; $(BIN)/lint-imports --no-logo
	echo "== codespell";    $(BIN)/codespell

bench: $(VENV)/test.stamp ## measure every claim again (benchmarks/bench_*.py)
	ls benchmarks/bench_*.py >/dev/null 2>&1 || { echo "make bench: there is no benchmarks/bench_*.py" >&2; exit 1; }
	set -e; for each in benchmarks/bench_*.py; do echo "== $$each"; $(BIN)/python "$$each"; done

docs: $(VENV)/test.stamp ## build the pages that come from docstrings and schema (docs/build.py)
	test -f docs/build.py || { echo "make docs: there is no docs/build.py" >&2; exit 1; }
	$(BIN)/python docs/build.py

screenshots: $(VENV)/test.stamp ## take the pictures of the app in docs/ anew, from the browser tests
	$(BIN)/python -m pytest -q tests/browser/test_page_first_view.py tests/browser/test_page_looks.py
	cp build/screenshots/first-view.png docs/app-light.png
	cp build/screenshots/dark.png docs/app-dark.png

clean: ## remove all that these targets made, the environment included
	rm -rf $(VENV) build dist .coverage .coverage.* htmlcov .hypothesis .*_cache
	find . -path ./.git -prune -o -type d -name __pycache__ -exec rm -rf {} +

$(VENV)/core.stamp: $(PINS)
	PYTHON="$(PYTHON)" .ci/venv $(VENV)
	echo "installing the twin into $(VENV) ..."
	$(PIP) --editable .
	$(BIN)/twin warmup
	touch $@

$(VENV)/app.stamp: $(VENV)/core.stamp
	echo "installing what the app needs into $(VENV) (a minute or two) ..."
	$(PIP) --editable '.[app]'
	touch $@

$(VENV)/test.stamp: $(PINS)
	PYTHON="$(PYTHON)" .ci/venv $(VENV)
	echo "installing the twin and its test tools into $(VENV) (some minutes the first time) ..."
	$(PIP) --editable '.[test]'
	touch $(VENV)/core.stamp $(VENV)/app.stamp $@
