# make demo   a gateway to try out, with virtual phones; needs no account anywhere
# make test   the whole test suite
# make lint   style, formatting, types
# make lock   pin the dependencies anew (needs uv)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: demo test lint lock

demo: $(VENV)/.installed
	$(BIN)/zuruf demo

test: $(VENV)/.installed-dev
	.ci/install-chromium
	$(BIN)/pytest --numprocesses auto --dist loadfile

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock:
	uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev -o requirements-dev.lock

# A stamp stands for what is installed; it is older than a lock file that has changed since.
$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/.made
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --editable .
	touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml | $(VENV)/.made
	$(PIP) --require-hashes -r requirements-dev.lock
	$(PIP) --no-deps --editable .
	touch $(VENV)/.installed $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Zuruf needs Python 3.11 or newer; name one with: make PYTHON=python3.11 ...' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo 'Python cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	touch $@
