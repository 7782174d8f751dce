# Each target is a plain command that also works alone. `make` lists them.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
# Installing builds the side panel where Node is; without it everything else works.
NODE := $(shell command -v node)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo lab test test-fast test-openai-2 test-second-server check bench build clean system

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# What is installed is stamped, so that a second call costs nothing; the kernelspec is copied, hence its files count too.
$(VENV)/.demo: pyproject.toml $(wildcard kernel/*) | $(BIN)/python
	$(BIN)/python -m pip install -q -e '.[data]'
	touch $@

$(VENV)/.develop: pyproject.toml $(wildcard kernel/*) | $(BIN)/python
	$(BIN)/python -m pip install -q -U 'pip>=25.1'
	$(BIN)/python -m pip install -q -e '.[data]' --group test --group check
	touch $@

system: ## install bubblewrap where apt can do it, or say what to do
	@command -v bwrap >/dev/null 2>&1 \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 \
	     && { apt-get install -y -qq bubblewrap >/dev/null 2>&1 \
	          || { apt-get update -qq && apt-get install -y -qq bubblewrap >/dev/null; }; }; } \
	|| { echo "The sandbox needs bubblewrap: sudo apt install bubblewrap (Debian, Ubuntu), sudo dnf install bubblewrap (Fedora)"; exit 6; }

demo: system $(VENV)/.demo ## run the quickstart from its lock: no key, no network (LIVE=1 asks the model)
	@$(BIN)/jupyter autocoder run examples/01-quickstart.ipynb --verbose $(if $(LIVE),--live,--locked)
	@echo && echo "Open it yourself: make lab"

# In a container there is often nobody but root, for whom Jupyter wants a word more.
lab: system $(VENV)/.demo ## open the examples in JupyterLab
	$(BIN)/jupyter lab --notebook-dir examples $(if $(filter 0,$(shell id -u)),--allow-root)

# A browser wants the machine to itself, and Playwright's one loop a process: those tests run alone, after the others.
test: system $(VENV)/.develop ## run all tests
	$(if $(NODE),cd labextension && $(abspath $(BIN))/jlpm install --immutable && $(abspath $(BIN))/jlpm run test)
	$(BIN)/python -m pytest -n $(or $(JOBS),2) -m "not browser" $(PYTEST_ARGS)
	$(BIN)/python -m pytest -m browser --reruns 2 tests/widgets
	$(BIN)/python -m pytest -m browser --reruns 2 tests/ui

test-openai-2: system ## run the client's tests on the newest openai 2 (the venv has the newest of all)
	$(PYTHON) -m venv $(VENV)-openai-2
	$(VENV)-openai-2/bin/python -m pip install -q -U 'pip>=25.1'
	$(VENV)-openai-2/bin/python -m pip install -q -e '.[data]' 'openai<3' --group test
	$(VENV)-openai-2/bin/python -m pytest -q tests/llm tests/testing $(PYTEST_ARGS)

test-second-server: $(VENV)/.develop ## run the client's happy paths against an independent fake server (needs npm)
	npm install --silent --no-save --prefix build/aimock @copilotkit/aimock
	AIMOCK_HOME=build/aimock $(BIN)/python -m pytest -q tests/llm/client/test_second_server.py

test-fast: $(VENV)/.develop ## run the tests that start no kernel, sandbox, server or browser
	$(BIN)/python -m pytest -q -m "not kernel and not sandbox and not server and not browser" $(PYTEST_ARGS)

check: $(VENV)/.develop ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(if $(NODE),cd labextension && $(abspath $(BIN))/jlpm install --immutable && $(abspath $(BIN))/jlpm run check)

bench: system $(VENV)/.develop ## print every benchmark's table
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

build: $(VENV)/.develop ## build the wheel and the sdist
	$(BIN)/python -m pip install -q build && $(BIN)/python -m build

clean: ## remove what the other targets made
	rm -rf $(VENV) $(VENV)-openai-2 build dist
