# Everything a developer or CI runs, by name. `make` alone lists it.
# Needs make and Python 3.11 or newer; environments are made on first use.

PYTHON ?= python3
BIN := .venv/bin
# One more than there are processors: much of a test is waiting.
PROCESSES := $(shell expr $$(nproc) + 1)
OLDEST_BIN := .venv-oldest/bin
CEPH := .ceph
SERVICES_ROOT := .services
# Versions are locked in requirements/ (make lock): what is green today is green on any later day.
# The floors of pyproject.toml are in requirements/oldest.in.
# The floor of the extra crt, in a directory of its own: without it, the managed engine is tested.
OLDEST_CRT := awscrt==0.23.4
OLDEST_CRT_TESTS := tests/copying/test_crt.py tests/copying/test_signing.py tests/contract/test_engines.py
# What talks to S3 through them; the rest of the tests can hardly tell the difference.
OLDEST_TESTS := tests/contract tests/copying tests/listing
# Long tables of answers, which the dependencies hand on unread.
OLDEST_LEFT_OUT := $(patsubst %,--ignore=tests/contract/test_%.py,markers odd_listings other_services \
	outages second_chance sizes tcp_faults transient)
# Rooms whose tests start neither a server nor a process.
FAST_TESTS := tests/vocabulary tests/ledger tests/sources tests/planning tests/pipeline tests/listing tests/render \
	tests/packaging tests/docs/test_blocks.py tests/docs/test_container.py tests/docs/test_documents.py
# Environments with Airflow, one for each version that `make test-airflow AIRFLOW="2.10 3.3"` names;
# what each consists of is in requirements/airflow-*.in (2.10, 2.11, 3.0 to 3.3).
AIRFLOW ?= 2.10 2.11 3.3
AIRFLOW_TYPED := 3.3
AIRFLOW_TESTS ?= tests/airflow
CACHES := .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist \
	s3_xfer.egg-info benchmarks/build benchmarks/.peers

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help env environments lock demo test lint types contracts test-locked test-oldest \
	test-newest test-services test-fast test-long test-loaded test-package fuzz test-ceph test-airflow \
	test-airflow-install test-container airflow-demo airflow-failures airflow-pictures picture docs bench \
	profile mutants release-check clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' Makefile

env: .venv/ready ## Make .venv for development (again only when what it consists of changes)
	@echo "Ready: .venv"

.venv/ready: pyproject.toml scripts/make_env.sh requirements/dev.txt
	@scripts/make_env.sh "$(PYTHON)" .venv dev -c requirements/dev.txt
	@touch $@

.venv-oldest/ready: pyproject.toml scripts/make_env.sh Makefile requirements/oldest.txt
	@scripts/make_env.sh "$(PYTHON)" .venv-oldest test -c requirements/oldest.txt
	@$(OLDEST_BIN)/python -m pip install --quiet --target .venv-oldest/crt $(OLDEST_CRT)
	@touch $@

demo: .venv/ready ## Watch a copy between two embedded accounts; needs no AWS
	@$(BIN)/python -m scripts.demo

lock: .venv/ready ## Lock today's newest versions in requirements/ and container/
	@scripts/lock.sh $(BIN)/python

test: lint types contracts test-locked test-oldest ## Check everything, on locked and oldest versions

lint: .venv/ready ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready ## Check types
	$(BIN)/mypy

contracts: .venv/ready ## Check that imports respect the architecture
	$(BIN)/lint-imports

# COVERAGE=yes prints the coverage, and fails below the floor in setup.cfg.
test-locked: .venv/ready ## Run the tests with the locked dependencies (COVERAGE=yes: with the figure)
	$(BIN)/python -m pytest -n $(PROCESSES) $(if $(COVERAGE),--whole-tables --cov --cov-report=term:skip-covered)

test-long: .venv/ready ## Run all tests: test-locked leaves out long ones, and most cases of long tables
	$(BIN)/python -m pytest -n $(PROCESSES) --whole-tables $(TESTS)

test-fast: .venv/ready ## Run the tests that need no server and no time: an answer in a minute
	$(BIN)/python -m pytest -n $(PROCESSES) -m "not hypothesis" $(FAST_TESTS)

test-loaded: .venv/ready ## Look for tests that fail on a busy machine (TESTS="tests/access")
	scripts/under_load.sh 10 $(BIN)/python -m pytest $(TESTS)

test-package: .venv/ready ## Build wheel and sdist, and use the wheel in an empty environment
	@$(BIN)/python -m scripts.check_package

# Fails where no such Python can be had. The tests and their locked versions are the same.
test-python-%: .venv-python-%/ready
	.venv-python-$*/bin/python -m pytest -n $(PROCESSES) --whole-tables $(TESTS)

.PRECIOUS: .venv-python-%/ready
.venv-python-%/ready: pyproject.toml scripts/make_env.sh requirements/dev.txt scripts/find_python.sh
	@python=$$(scripts/find_python.sh $*) && \
		scripts/make_env.sh "$$python" .venv-python-$* dev -c requirements/dev.txt
	@touch $@

test-oldest: .venv-oldest/ready ## Run the tests with the oldest supported dependencies
	$(OLDEST_BIN)/python -m pytest -n $(PROCESSES) $(OLDEST_TESTS) $(OLDEST_LEFT_OUT)
	PYTHONPATH=.venv-oldest/crt $(OLDEST_BIN)/python -m pytest -n $(PROCESSES) $(OLDEST_CRT_TESTS)

# Made anew each time: the newest of today.
test-newest: ## Run the tests with whatever dependencies are the newest today
	@scripts/make_env.sh "$(PYTHON)" .venv-newest dev
	.venv-newest/bin/python -m pytest -n $(PROCESSES) --whole-tables

fuzz: .venv/ready ## Look for what no test has met: new examples and histories at every call
	S3_XFER_HISTORIES=100 $(BIN)/python -m pytest -n auto --whole-tables -m hypothesis --hypothesis-profile=fuzz
	S3_XFER_KILLS=30 S3_XFER_SEED=$$(date +%s) $(BIN)/python -m pytest \
		tests/journal/test_kills.py tests/journal/test_sync_kills.py tests/journal/test_kills_in_s3.py \
		--whole-tables

test-ceph: .venv/ready $(CEPH)/.complete ## Run what concerns access on a real S3 (Ceph; Debian, amd64)
	$(BIN)/python -m pytest -n auto --whole-tables --ceph-root=$(CEPH) -m on_ceph

# Hundreds of MiB and some minutes, so no part of CI; also writes the table of what was found.
test-services: .venv/ready ## Tour S3 services beside AWS, and write their table (SERVICES="rclone swift-2.38.3")
	$(BIN)/python -m tests.services --root $(SERVICES_ROOT) $(SERVICES)

# What .ci/run makes beside the first tests; one after the other, for all build this project here.
environments: .venv-docs/ready $(AIRFLOW:%=.venv-airflow-%/ready)

$(CEPH)/.complete: scripts/fetch_ceph.sh
	@scripts/fetch_ceph.sh $(CEPH)

test-airflow: $(AIRFLOW:%=.test-airflow-%) ## Run the operator's tests on real Airflows (AIRFLOW="2.10 3.3")

# Two processes: one for the tests that deploy an Airflow, one for the others. mypy runs where
# there is an Airflow whose types it can read; the main environment has none.
.test-airflow-%: .venv-airflow-%/ready
	.venv-airflow-$*/bin/python -m pytest -c tests/airflow/pytest.toml $(AIRFLOW_TESTS) \
		-n 2 --dist loadfile
	$(if $(filter $*,$(AIRFLOW_TYPED)),.venv-airflow-$*/bin/mypy $$(git ls-files \
		'airflow_plugin/*.py' 'tests/airflow/*.py' 'scripts/airflow_*.py'))

# Minutes and a GiB, so no part of CI.
test-airflow-install: .venv/ready ## Install the wheel beside Airflows as the how-to says
	@$(BIN)/python -m scripts.check_airflow_install

.PRECIOUS: .venv-airflow-%/ready
.venv-airflow-%/ready: pyproject.toml scripts/make_env.sh requirements/airflow-%.in requirements/airflow-%.txt
	@INSTALLER=uv scripts/make_env.sh "$(PYTHON)" .venv-airflow-$* test-airflow \
		-r requirements/airflow-$*.in -c requirements/airflow-$*.txt
	@touch $@

picture: .venv/ready ## Draw the picture of a run for README (docs/images/copy.svg)
	@$(BIN)/python -m scripts.picture

airflow-demo: .venv-airflow-3.3/ready ## Start Airflow 3.3 with example DAGs and two embedded accounts
	@.venv-airflow-3.3/bin/python -m scripts.airflow_demo

airflow-failures: .venv-airflow-3.3/ready ## Write the page of what failing tasks log
	@AWS_EC2_METADATA_DISABLED=true AIRFLOW_HOME=$$(mktemp -d) \
		.venv-airflow-3.3/bin/python -m tests.airflow.failure_page >/dev/null

airflow-pictures: .venv-airflow-3.3/ready ## Take the documents' pictures of Airflow, with Chromium
	@.venv-airflow-3.3/bin/python -m scripts.airflow_pictures

test-container: .venv-docs/ready ## Do what the Dockerfile does, in an empty directory; lint it
	container/try.sh
	.venv-docs/bin/hadolint Dockerfile

docs: .venv-docs/ready ## Build the site and the man page into build/docs; broken links fail
	.venv-docs/bin/sphinx-build -W --keep-going -q -E -a -b html docs build/docs/html
	.venv-docs/bin/sphinx-build -W --keep-going -q -E -a -b man docs build/docs/man
	@echo "Built: build/docs/html/index.html, build/docs/man/s3-xfer.1"

.venv-docs/ready: pyproject.toml scripts/make_env.sh requirements/docs.txt
	@scripts/make_env.sh "$(PYTHON)" .venv-docs crt,docs -c requirements/docs.txt
	@touch $@

benchmarks/.peers/ready: benchmarks/peers.sh | .venv/ready
	@benchmarks/peers.sh $(CURDIR)/$(BIN)/python
	@touch $@

# BENCH="short faults --copiers s5cmd,s3-xfer --pairs 5" asks less; what it prints is for the document.
bench: .venv/ready benchmarks/.peers/ready ## Measure beside other copiers, which it installs (BENCH="short")
	@$(BIN)/python benchmarks/run.py $(BENCH)

profile: .venv/ready ## Show where the time of one copy of many small objects goes
	$(BIN)/python -m benchmarks.profile_copy

mutants: .venv/ready ## Look for changes to one room that no test notices (ROOM=pipeline)
	$(BIN)/python -m scripts.mutants $(or $(ROOM),pipeline)

release-check: lint types contracts test-package ## Check what a release needs (docs/releasing.md)
	@$(BIN)/python -m scripts.check_release

clean: ## Remove the environments and everything that was generated
	rm -rf .venv .venv-* $(CEPH) $(SERVICES_ROOT) $(CACHES)
	find s3_xfer airflow_plugin scripts tests benchmarks -name __pycache__ -prune \
		-exec rm -rf {} + 2>/dev/null || true
