PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: demo test lint types test-light wheel clean

demo: $(INSTALLED)
	$(BIN)/edgeproof demo

test: $(INSTALLED)
	$(BIN)/pytest

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)
	$(BIN)/pyright

wheel: $(INSTALLED)
	rm -rf build dist
	$(BIN)/python -m build --wheel --outdir dist

# On a device there is no TensorFlow: the built wheel with its engines alone, in an environment of its own.
test-light: wheel
	rm -rf .venv-light
	$(PYTHON) -m venv .venv-light
	.venv-light/bin/pip install --quiet --constraint constraints.txt pytest "edgeproof[litert,onnx] @ file://$(CURDIR)/$(wildcard dist/*.whl)"
	.venv-light/bin/pytest tests/runtime tests/cli

# The constraints pin the tested set; without the file pip takes the newest versions that pyproject.toml allows.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[all,dev]"
	touch $@

clean:
	rm -rf .venv .venv-light build dist runs *.egg-info
