# Two commands set up everything on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.

PYTHON ?= $(shell for v in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	command -v $$v >/dev/null 2>&1 && $$v -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$v && break; done)
BIN := .venv/bin
EXTRAS ?=

# What each target does: make help
.PHONY: help demo test check lint types tables evidence docs pictures accuracy bench fuzz mutants wheel wheeltest sbom clean

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: none was found. Name one with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: $(BIN)/python pyproject.toml hatch_build.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/developing: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

.venv/documenting: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@

demo: .venv/installed  ## check the example list with the embedded tables
	$(BIN)/cramprisk check --file examples/medications.txt --condition-file examples/conditions.txt

test: .venv/developing  ## install the development extras and run all tests
	@tests/integration/node/install.sh
	@tests/browser/install.sh
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

docs: .venv/documenting  ## build the site into docs/_build/html; a warning is an error, nothing is fetched
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

pictures: .venv/developing  ## draw the pictures of the README anew (needs chromium)
	$(BIN)/python -m bench.pictures

accuracy: .venv/installed  ## score the matcher on the development lists, beside a plain WRatio matcher
	$(BIN)/python -m bench.accuracy

bench: .venv/developing  ## speed, each line a ratio against something in the same run
	$(BIN)/python -m bench.speed
	$(BIN)/python -m bench.vocabulary
	$(BIN)/python -m bench.files
	$(BIN)/python -m bench.frames --plot docs/images/bench_growth.png

SECONDS_EACH ?= 60
.venv/fuzzing: .venv/developing
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	touch $@

fuzz: .venv/fuzzing  ## search for inputs that break a promise; SECONDS_EACH=1800 for the long form
	for target in $$($(BIN)/python -c 'from fuzz.targets import TARGETS; print(*TARGETS)'); do \
		$(BIN)/python -m fuzz $$target --seconds $(SECONDS_EACH) || exit 1; \
	done

MODULES ?= text
SAMPLE ?= 0
.venv/mutating: .venv/developing
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	touch $@

mutants: .venv/mutating  ## change the code in small ways and count what no test notices; MODULES="text tables lexicon matcher" for the whole
	$(BIN)/python -m tests.mutants $(MODULES) --sample $(SAMPLE) --survivors

wheel: .venv/developing
	rm -rf dist
	$(BIN)/python -m build

wheeltest: .venv/developing  ## install the wheel and the source package offline into empty environments and run README and tests there
	$(BIN)/python tests/packaging/wheeltest.py

sbom: .venv/installed  ## the bill of materials (CycloneDX) of the package and what it needs, into dist/; EXTRAS=service,spark adds those
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'cyclonedx-bom>=5'
	rm -rf build/sbom && mkdir -p build/sbom dist && $(PYTHON) -m venv --without-pip build/sbom/installed
	$(BIN)/python -m pip --python build/sbom/installed/bin/python install --quiet --disable-pip-version-check '.[$(EXTRAS)]'
	sed "s/^dynamic = .*/version = \"$$($(BIN)/cramprisk --version | cut -d' ' -f2)\"/" pyproject.toml > build/sbom/pyproject.toml
	$(BIN)/cyclonedx-py environment --output-reproducible --pyproject build/sbom/pyproject.toml \
		--output-file dist/cramprisk.cdx.json build/sbom/installed/bin/python
	@echo "dist/cramprisk.cdx.json"

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

clean:
	rm -rf .venv .nox dist build docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
