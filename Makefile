# Everything runs in .venv, which the first target that needs it creates. Only Python 3.11 and make must be there.
PYTHON ?= python3
BIN := .venv/bin
QUIET := --quiet --disable-pip-version-check
PIP := $(BIN)/python -m pip $(QUIET)

# $(call locked,FOLDER,NAMES): an environment with what requirements/NAME.txt lists. Wheels alone: building an sdist would
# bring in what no file lists.
define locked
rm -rf $(1) && $(PYTHON) -m venv $(1)
$(1)/bin/python -m pip $(QUIET) install --only-binary=:all: --require-hashes $(2:%=--requirement requirements/%.txt)
endef

.PHONY: demo test lint types docs dev bench build reproduce sbom audit lock clean

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

# In an environment that has the locked builder and nothing else, dated by the commit, so that anybody can build the same bytes.
BUILDER := build/builder
build reproduce: export SOURCE_DATE_EPOCH := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),1580601600)
build:
	$(call locked,$(BUILDER),build)
	$(BUILDER)/bin/python -m pip $(QUIET) uninstall --yes pip setuptools
	rm -rf dist
	$(BUILDER)/bin/python -m build --no-isolation --sdist --wheel --outdir dist .

# What is in dist/ once more, byte for byte: from its sdist, in another folder, with other times, modes, zone and language.
reproduce:
	@again=$$(mktemp -d) && trap 'rm -rf "$$again"' EXIT && umask 077 && \
	tar -x -m --no-same-permissions -f "$$(ls dist/*.tar.gz)" -C "$$again" && \
	TZ=Pacific/Kiritimati LC_ALL=C PYTHONHASHSEED=7 \
	$(BUILDER)/bin/python -m build --no-isolation --sdist --wheel --outdir "$$again/dist" "$$again"/entra_tokenguard-* && \
	diff -r dist "$$again/dist" && echo "built twice, and the same bytes: $$(ls dist | tr '\n' ' ')"

# What the wheel in dist/ brings along with all its extras, as CycloneDX.
sbom:
	$(call locked,build/sbom,sbom)
	$(call locked,build/wheel,graph)
	build/wheel/bin/python -m pip $(QUIET) install --no-index --no-deps "$$(ls dist/*.whl)"
	build/wheel/bin/python -m pip $(QUIET) check
	build/wheel/bin/python -m pip $(QUIET) uninstall --yes pip setuptools
	build/sbom/bin/cyclonedx-py environment --output-reproducible --output-file build/sbom.cdx.json build/wheel/bin/python

# Every version that the targets above, the action and the examples install, with all its hashes, for all platforms. It asks
# uv's own index, or the one in UV_DEFAULT_INDEX, and no file says which.
LOCK = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --custom-compile-command "make lock" \
	--no-emit-index-url --no-emit-find-links
lock: .venv/.dev
	$(PIP) install --group lock
	$(LOCK) --generate-hashes --output-file requirements/graph.txt --extra graph pyproject.toml
	$(LOCK) --generate-hashes --output-file requirements/program.txt --constraint requirements/graph.txt pyproject.toml
	$(LOCK) --generate-hashes --output-file requirements/build.txt --constraint requirements/graph.txt --group build
	$(LOCK) --generate-hashes --output-file requirements/sbom.txt --constraint requirements/graph.txt --group sbom
	$(LOCK) --no-annotate --output-file requirements/versions.txt --constraint requirements/graph.txt pyproject.toml

# Known vulnerabilities of everything installed here, and of what is locked (asks the package index), and the workflows
# (offline). zizmor takes a workflow outside .github only where its file is named.
audit: .venv/.dev
	$(PIP) install --group audit
	mkdir -p build && $(PIP) freeze --exclude-editable >build/requirements.txt
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement build/requirements.txt
	$(BIN)/pip-audit --strict --disable-pip --requirement requirements/graph.txt \
		--requirement requirements/build.txt --requirement requirements/sbom.txt
	$(BIN)/zizmor --offline --persona pedantic --quiet action.yml .github examples/ci/github/tokenguard.yml

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
