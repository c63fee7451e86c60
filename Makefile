# Everything runs in .venv, which the first target that needs it creates. Only Python 3.11 and make must be there.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test lint types docs dev bench build clean

demo: .venv/.program
	@status=0; $(BIN)/tokenguard scan --demo || status=$$?; \
	echo "Exit status of the scan: $$status. The README says what each status means."; \
	test $$status -eq 1 || { echo "The demo was expected to end with 1."; exit 1; }

test: .venv/.dev
	$(BIN)/pytest

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

docs: .venv/.dev
	$(BIN)/python docs/generate.py

bench: .venv/.dev
	$(PIP) install --group bench
	$(BIN)/python -m bench

build: .venv/.dev
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

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
	rm -rf .venv dist
