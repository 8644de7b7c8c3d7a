# Two commands: `make run` and `make test`. Everything they need is installed into .venv first.

PYTHON    ?= python3
HOST      ?= 127.0.0.1
PORT      ?= 8000
WORKSPACE ?= workspace

BIN     := .venv/bin
PINNED  := pyproject.toml constraints.txt
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run test check bench format constraints clean

run: .venv/.train                     ## serve on http://localhost:8000
	@$(BIN)/onetrainer-web serve --host $(HOST) --port $(PORT) --workspace $(WORKSPACE)

test: .venv/.test                     ## every test: lint, types, import rules, unit, engine, server, browser
	$(BIN)/python -m pytest

check: .venv/.test                    ## the quick part, under a minute
	$(BIN)/python -m pytest -m "not slow" tests/rules tests/unit

bench: .venv/.test                    ## speed, as ratios against a bare loop in the same run
	$(BIN)/python -m bench.run

format: .venv/.test                   ## put the code into its standard form
	$(BIN)/ruff check --fix src tests bench
	$(BIN)/ruff format src tests bench

constraints: .venv/.test              ## write down the versions that are installed now
	@{ echo "# Versions that were tried together; two machines that install through this file get the same."; \
	   echo "# Made by: make constraints"; \
	   $(BIN)/python -m pip list --format=freeze --exclude-editable | grep -viE '^(pip|setuptools|wheel)=' \
	   | sed 's/+cpu//'; } > constraints.new && mv constraints.new constraints.txt

clean:                                ## remove what was installed and built; never the workspace
	rm -rf .venv build dist

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.train: .venv/bin/python $(PINNED)
	$(INSTALL) --editable '.[train]'
	@touch $@

.venv/.test: .venv/.train $(PINNED)
	$(INSTALL) --editable '.[train,test]'
	@touch $@
