# Everything runs in .venv, which the first target that needs it creates. Only Python 3.11 and make must be there.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test lint types docs dev bench build sbom audit clean

demo: .venv/.program
	@status=0; $(BIN)/tokenguard scan --demo || status=$$?; \
	echo "Exit status of the scan: $$status, which is what the line above explains."; \
	test $$status -eq 1 || { echo "The demo was expected to end with 1."; exit 1; }

test: .venv/.dev
	$(BIN)/pytest -n auto

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

docs: .venv/.dev
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict  # not --quiet: that hides warnings from --strict, too

bench: .venv/.dev
	$(PIP) install --group bench
	$(BIN)/python -m bench

build: .venv/.dev
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

# What the wheel in dist/ brings along with all its extras, as CycloneDX.
sbom: .venv/.dev
	$(PIP) install --group release
	rm -rf build/wheel && $(PYTHON) -m venv --without-pip build/wheel
	$(PIP) --python build/wheel/bin/python install "$$(ls dist/*.whl)[graph]"
	$(BIN)/cyclonedx-py environment --output-reproducible --output-file build/sbom.cdx.json build/wheel/bin/python

# Known vulnerabilities of everything installed here (asks the package index), and the workflows (offline).
audit: .venv/.dev
	$(PIP) install --group release
	mkdir -p build && $(PIP) freeze --exclude-editable >build/requirements.txt
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement build/requirements.txt
	$(BIN)/zizmor --offline --persona pedantic --quiet action.yml .github examples/ci/github

dev: .venv/.dev

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(PIP) install --upgrade pip

.venv/.program: pyproject.toml | .venv/bin/python
	$(PIP) install --editable .
	@touch $@

.venv/.dev: pyproject.toml plugins/tokenguard-sandbox/pyproject.toml | .venv/bin/python
	$(PIP) install --editable '.[graph]' --editable plugins/tokenguard-sandbox --group dev
	@touch $@ .venv/.program

clean:
	rm -rf .venv build dist site
