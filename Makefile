# Two commands set up everything on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.

PYTHON ?= $(shell for v in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$v >/dev/null 2>&1 && $$v -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$v && break; done)
BIN := .venv/bin

.PHONY: demo test check lint types tables evidence accuracy bench wheel clean

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: none was found. Name one with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: $(BIN)/python pyproject.toml hatch_build.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/developing: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: .venv/installed  ## check the example list with the embedded tables
	$(BIN)/cramprisk check --file examples/medications.txt --condition-file examples/conditions.txt

test: .venv/developing  ## install the development extras and run all tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: lint types tables test  ## what must hold before a change is handed in

lint: .venv/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/developing
	$(BIN)/mypy

tables: .venv/installed
	$(BIN)/cramprisk tables check

evidence: .venv/installed  ## write the pages of docs/evidence anew from the tables
	$(BIN)/cramprisk tables evidence-pages

accuracy: .venv/installed  ## score the matcher on the development lists, beside a plain WRatio matcher
	$(BIN)/python -m bench.accuracy

bench: .venv/installed  ## speed, each line a ratio against something in the same run
	$(BIN)/python -m bench.speed
	$(BIN)/python -m bench.vocabulary

wheel: .venv/developing
	$(BIN)/python -m build

clean:
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
