# make demo        a CRM with sample data on http://localhost:8000 (PORT=8080 make demo: another port)
# make test        every check that CI runs
# make test-slow   the tests that take minutes
# make benchmark   what a request costs against a hand-written twin
# make audit       known vulnerabilities of what is installed (needs PyPI's and npm's advisories)
# make clean       removes what the others made
#
# Needs Python 3.11 or newer and a network that reaches PyPI and npm, nothing else.

PORT ?= 8000
DATA ?= demo
SHELL := /bin/sh
BIN := .venv/bin
# Test processes: one more than processors, since many tests wait for a browser or a server.
WORKERS ?= $(shell python3 -c 'import os; print((os.cpu_count() or 1) + 1)')
SPREAD := -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

# Files that say what is installed; newer than the stamp means: install again.
PACKAGING := pyproject.toml hatch_build.py package.json package-lock.json
AXE := node_modules/axe-core/axe.min.js
LANGUAGE_SERVER := node_modules/yaml-language-server/bin/yaml-language-server
OPENID := node_modules/oidc-provider/package.json

# Hundreds of processes start in the tests: each would compile every module again.
test test-slow: export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test test-slow benchmark audit lint clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed '/^Files that/,$$d'

demo: .venv/installed
	$(BIN)/kartoteka demo --port $(PORT) --data $(DATA)

test: lint .venv/chromium
	$(BIN)/python -m pytest $(SPREAD) -m "not slow"

test-slow: .venv/chromium
	$(BIN)/python -m pytest $(SPREAD) -m slow

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

benchmark: .venv/installed-dev
	$(BIN)/python -m benchmarks

audit: .venv/installed-dev
	$(BIN)/python -m tools.audit

clean:
	rm -rf .venv node_modules runtime/kartoteka_runtime/web/static/vendor

.venv/bin/python:
	@python=$$(sh tools/find_python.sh) && echo "$$python -m venv .venv" && "$$python" -m venv .venv

.venv/pip: .venv/bin/python
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@

.venv/installed: .venv/pip $(PACKAGING)
	@echo "Installing Kartoteka into .venv; this takes about a minute the first time."
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/installed-dev: .venv/pip $(PACKAGING) $(AXE) $(LANGUAGE_SERVER) $(OPENID)
	@echo "Installing Kartoteka and what its tests need into .venv."
	@$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch .venv/installed $@

.venv/chromium: .venv/installed-dev
	$(BIN)/python tools/chromium.py > $@.found
	@mv $@.found $@

# What tests take from npm; a removed node_modules is brought again.
$(AXE) $(LANGUAGE_SERVER) $(OPENID): | .venv/pip
	rm -f runtime/kartoteka_runtime/web/static/vendor/versions.sha256
	$(BIN)/python -m pip install --quiet --editable . --no-deps
