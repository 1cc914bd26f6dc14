# A fresh clone needs Python 3.11 or newer and make; everything else lands in .venv.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
BENCH  ?= .bench-venv
PROGS  ?= .programs-venv

PIP := -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test bench programs lint format clean

help:
	@echo "make demo     the notebook's derivative, then a network that learns to read digits"
	@echo "make test     style, types, floors, tests, documentation and examples"
	@echo "make bench    side by side with the other libraries (a download of about 1 GB)"
	@echo "make programs other people's programs for autograd, their tests run on whence (about 30 minutes)"
	@echo "make lint     style and types only"
	@echo "make format   rewrite the sources in the house style"
	@echo "make clean    remove environments, caches and outputs"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "whence needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Creating $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing whence and what the demo needs ..."
	@$(BIN)/python $(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	@echo "Installing whence and what the tests need ..."
	@$(BIN)/python $(PIP) --editable '.[test]'
	@touch $@ $(VENV)/.demo

$(BENCH)/.bench: pyproject.toml
	@$(PYTHON) -m venv $(BENCH)
	@echo "Installing whence and its peers ..."
	@$(BENCH)/bin/python $(PIP) --editable '.[bench]'
	@touch $@

demo: $(VENV)/.demo
	@$(BIN)/python examples/digits.py

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

test: lint
	$(BIN)/python -m pytest

bench: $(BENCH)/.bench
	@$(BENCH)/bin/python -m benchmarks.run

programs: $(PROGS)/.programs
	@$(PROGS)/bin/python -m benchmarks.programs

$(PROGS)/.programs: pyproject.toml
	@$(PYTHON) -m venv $(PROGS)
	@echo "Installing whence and pytest ..."
	@$(PROGS)/bin/python $(PIP) --editable . pytest
	@touch $@

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(BENCH) $(PROGS) .programs build dist demo_output .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
