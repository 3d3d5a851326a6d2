# Two commands: `make run` shows the reference study, `make test` proves the tool. Both set themselves up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.synced
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
OUT := out/reference

.PHONY: setup run test check bench clean

setup: $(STAMP)

.tools/bin/uv:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or later is missing. Type: sudo apt-get install -y python3 python3-venv make"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed, found $$($(PYTHON) --version)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "The module venv is missing. Type: sudo apt-get install -y python3-venv"; exit 1; }
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.5,<1"

$(STAMP): $(UV) pyproject.toml uv.lock
	@$(UV) sync --frozen --quiet
	@touch $(STAMP)

run: setup
	@$(BIN)/isthmus demo --out $(OUT)

test: setup
	@$(BIN)/pytest -n 2 --dist loadfile

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/isthmus register check

bench: setup
	@$(UV) sync --frozen --quiet --group bench
	@$(BIN)/python -m benchmarks.run

clean:
	rm -rf $(VENV) .tools out benchmarks/out
