# make run    a real configuration through all of Step 7, on the built-in fake tdx
# make test   the suite
# make test-long   what is left out there for its time, and ten times the examples of each property
# make test-extra  the tests that need root or a network, which make test leaves out
# make lint   ruff, ruff format, mypy --strict, who may import whom
# make sweep  every fault at every call (long)
# make soak   200 applies in a row with random faults
# make mutants  which changes of the code no test notices (hours)
# make bench  what it costs, beside the shell recipe
# make dist   wheel and sdist, each tried with every Python that there is (needs a network)
# make snapshots   tests/snapshots anew, from what a terminal shows now
# make screenshot  docs/apply.svg anew
# make pages   the output that README and docs show, anew
PYTHON ?= python3
# Most tests wait for other processes, so more of them than cores run side by side.
JOBS ?= 8
QUICK := not sweep and not soak and not extra and not long
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?= fixtures/configs/web-personalization.yaml
# The suite starts Python a thousand times: what has been compiled is kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-long test-extra lint sweep soak mutants bench dist snapshots screenshot pages clean

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "tdxwrap needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

run: $(VENV)/.installed
	@echo "On the built-in fake tdx: nothing is sent anywhere, and no account is needed."
	@$(BIN)/tdxwrap rehearse $(CONFIG)
	@echo "Next, still on the fake tdx:"
	@echo "  $(BIN)/tdxwrap rehearse fixtures/configs/minimal.yaml --fault lost-answer"
	@echo "  $(BIN)/tdxwrap check fixtures/configs"
	@echo "  $(BIN)/tdxwrap --help"

test: $(VENV)/.installed
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "$(QUICK)"

test-long: $(VENV)/.installed
	@EXAMPLES=4 $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not sweep and not soak and not extra"

test-extra: $(VENV)/.installed
	@$(BIN)/python -m pytest -q -m extra

lint: $(VENV)/.installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --cache-dir $(VENV)/import-linter

sweep: $(VENV)/.installed
	@$(BIN)/python -m pytest -q -n $(JOBS) -m sweep

soak: $(VENV)/.installed
	@$(BIN)/python -m pytest -q -s -m soak tests/cli/test_soak.py

mutants: $(VENV)/.installed
	@JOBS=$(JOBS) $(BIN)/python -m tests.mutants

bench: $(VENV)/.installed
	@$(BIN)/python -m tests.bench

dist: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'build>=1.2,<2'
	@rm -rf dist
	@$(BIN)/python -m build --outdir dist . >/dev/null
	@.ci/try-dist dist/*

snapshots: $(VENV)/.installed
	@TEST_RECORD=1 $(BIN)/python -m pytest -q tests/output/test_snapshots.py tests/cli/test_story.py -k recorded

screenshot: $(VENV)/.installed
	@TEST_RECORD=1 $(BIN)/python -m pytest -q tests/output/test_snapshots.py -k picture

pages: $(VENV)/.installed
	@TEST_RECORD=1 $(BIN)/python -m pytest -q tests/docs/test_docs.py -k "show_what or draws_what"

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
