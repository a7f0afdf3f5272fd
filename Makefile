PYTHON ?= python3
PYTHON_OLD ?= python3.11
BIN := .venv/bin
INSTALLED := .venv/.installed
BUILD := .venv-build/bin
CAN_BUILD := .venv-build/.installed
ROOMS := runtime device datasets metrics train export inspection report benchmarks cli

.PHONY: demo test lint types lines docs wheel test-light test-old test-arm64 test-armv7 test-faults training-results pretrained results runtime-results clean

demo: $(INSTALLED)
	$(BIN)/edgeproof demo

# Most of the time goes into starting TensorFlow, again and again, on one core.
test: $(INSTALLED)
	$(BIN)/pytest -n auto --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# For pyright the rooms lie under the name that they are installed under.
types: $(INSTALLED)
	mkdir -p build/types/edgeproof
	ln -sfn $(addprefix ../../../,$(ROOMS) api/__init__.py) build/types/edgeproof/
	$(BIN)/pyright

# How much code there is, and how it is cut.
lines:
	$(PYTHON) tests/count_lines.py

# docs/api, from the docstrings, and docs/tutorial.ipynb, run anew.
docs: $(INSTALLED)
	$(BIN)/python docs/make_api.py
	$(BIN)/python docs/make_tutorial.py

wheel: $(CAN_BUILD)
	rm -rf build/lib build/bdist* dist
	$(BUILD)/python -m build --wheel --outdir dist
	$(BUILD)/python tests/check_wheel.py dist/*.whl

# All that a wheel takes; no TensorFlow.
$(CAN_BUILD): constraints.txt
	@$(PYTHON) -m venv .venv-build
	$(BUILD)/pip install --quiet --constraint constraints.txt build
	touch $@

# What a device has: the built wheel with its engines, in an environment of its own, and no TensorFlow. Then less and
# less of it: LiteRT and NumPy alone, and ONNX Runtime in its place.
DEVICE := tests/runtime tests/device tests/cli/verbs/test_predict.py tests/test_imports.py
test-light: wheel
	rm -rf .venv-light
	$(PYTHON) -m venv .venv-light
	.venv-light/bin/pip install --quiet --constraint constraints.txt pytest "$$(echo dist/*.whl)[litert,onnx,inspect]"
	.venv-light/bin/python -c "from importlib.util import find_spec; assert not find_spec('tensorflow')"
	.venv-light/bin/pytest -rs -m "not tensorflow" tests/runtime tests/device tests/cli tests/inspection tests/test_*.py
	.venv-light/bin/pip uninstall --quiet --yes pillow onnx onnxruntime
	.venv-light/bin/pytest -rs -m "not tensorflow" $(DEVICE)
	.venv-light/bin/pip uninstall --quiet --yes ai-edge-litert
	.venv-light/bin/pip install --quiet --constraint constraints.txt onnxruntime
	.venv-light/bin/pytest -rs -m "not tensorflow" $(DEVICE)

# The last runtime for 32-bit ARM and for old Pi images; its wheels end with Python 3.11.
test-old: wheel $(INSTALLED)
	rm -rf .venv-old
	$(PYTHON_OLD) -m venv .venv-old
	.venv-old/bin/pip install --quiet pytest tflite-runtime==2.14.0 numpy==1.26.4 "$$(echo dist/*.whl)[tflite]"
	.venv-old/bin/pytest -rs -m "not tensorflow" $(DEVICE) tests/cli/verbs/test_doctor.py tests/cli/test_main.py tests/cli/verbs/test_selftest.py tests/cli/test_sheet.py
	$(BIN)/pytest tests/integration/test_old_runtime.py --old-python .venv-old/bin/python

# The same wheel on ARM processors without the hardware; where the parts cannot be had, one line says SKIPPED.
test-arm64: wheel
	$(BUILD)/python tests/arm/prove.py arm64 dist/*.whl

# With tflite-runtime 2.14 and Debian's NumPy 1.24.
test-armv7: wheel
	$(BUILD)/python tests/arm/prove.py armv7 dist/*.whl

# The commands are killed at random and at every rename, which needs strace, and given little memory: what do they leave?
test-faults: $(INSTALLED)
	$(BIN)/python -m tests.faults.kills --kills 2
	$(BIN)/python -m tests.faults.low_memory --levels 5

# What docs/training.md and the README say of the presets: measures anew, and trains what runs/ lacks; all of it is a day on 2 cores.
FRONTIER := runs/frontier
training-results: $(INSTALLED)
	rm -f $(addprefix studies/results/,frontier.json $(foreach series,default-8 default-30 tiny-8 tiny-100,ablations-$(series).json))
	$(BIN)/python -m studies.frontier.run --runs $(FRONTIER)
	$(BIN)/python -m studies.ablations.run
	$(BIN)/python -m studies.ablations.run --seeds 5 --variation "learning from preset accurate"
	$(BIN)/python -m studies.ablations.run --epochs 30 --variation "no augmentation" \
		--variation "no warm-up" --variation "learning from preset accurate"
	$(BIN)/python -m studies.ablations.run --preset tiny --variation "no augmentation" \
		--variation "augmentation 1" --variation "augmentation 1.5" --variation "no warm-up" --variation "no weight decay" \
		--variation "constant learning rate" --variation "constant learning rate of 0.001"
	$(BIN)/python -m studies.ablations.run --preset tiny --epochs 100 \
		--variation "no augmentation" --variation "augmentation 1"
	$(BIN)/python -m studies.robustness.run $(foreach preset,tiny default accurate,$(FRONTIER)/$(preset)-1/bundle) \
		--json studies/results/robustness.json --sheet docs/corruptions.png > studies/results/robustness.txt
	$(BIN)/python -m studies.pages.results

# The models that come with the package, and the large one beside the results: of each preset the frontier's network of
# the first seed, be it the best or not.
pretrained: training-results
	$(BIN)/edgeproof export $(FRONTIER)/default-1/model.keras --recipes int8.tflite --out runtime/models/mnist
	$(BIN)/edgeproof export $(FRONTIER)/tiny-1/model.keras --recipes int8.tflite --out runtime/models/mnist-tiny
	$(BIN)/edgeproof export $(FRONTIER)/accurate-1/model.keras --recipes int8.tflite --out studies/results/mnist-accurate

# What the README and docs/report.md say of the demo's files, measured anew on this machine: about ten minutes.
results: demo
	$(BIN)/python -m studies.repeatability runs/demo/bundle --json studies/results/repeatability.json
	$(BIN)/python -m studies.pages.results runs/demo/report

# What docs/runtime.md says of the model that comes with the package: about ten minutes.
runtime-results: $(INSTALLED)
	$(BIN)/python -m studies.overhead --json studies/results/overhead.json
	$(BIN)/python -m studies.scenes --json studies/results/scenes.json
	$(BIN)/python -m studies.pages.seen
	$(BIN)/python -m studies.pages.results

clean:
	rm -rf .venv .venv-build .venv-light .venv-old build dist runs *.egg-info

# The constraints pin the tested set; without the file pip takes the newest versions that pyproject.toml allows.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and 'TensorFlow 2.21 needs Python 3.11 to 3.13: make PYTHON=python3.13 ...')"
	@echo "Installing into .venv: 2.6 GB, a minute or two"
	@$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[all,dev]"
	touch $@
