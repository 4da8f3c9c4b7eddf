# Everything runs in .venv, which is made when it is missing: nothing to install or activate.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

DEMO := demo
DEMO_MODEL := --max-width=120 --max-height=48 --max-prediction=5 \
	--model-dir=$(DEMO)/checkpoints --log-path=$(DEMO)/aocr.log

.PHONY: demo test lint types check bench clean

demo: $(INSTALLED)
	rm -rf $(DEMO)
	mkdir -p $(DEMO)
	$(BIN)/aocr dataset datasets/annotations-training.txt datasets/training.tfrecords \
		--log-path=$(DEMO)/aocr.log
	$(BIN)/aocr dataset datasets/annotations-testing.txt datasets/testing.tfrecords \
		--log-path=$(DEMO)/aocr.log
	$(BIN)/aocr train $(DEMO_MODEL) datasets/training.tfrecords --batch-size=20 --num-epoch=6
	$(BIN)/aocr train $(DEMO_MODEL) datasets/training.tfrecords --batch-size=20 --num-epoch=2 \
		--initial-learning-rate=0.1
	$(BIN)/aocr test $(DEMO_MODEL) datasets/testing.tfrecords
	$(BIN)/aocr export $(DEMO_MODEL) $(DEMO)/exported
	$(BIN)/python datasets/read_with_export.py $(DEMO)/exported datasets/images/hello.jpg

test: $(INSTALLED)
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)
	$(BIN)/mypy aocr

check: lint types test

bench: $(INSTALLED)
	$(BIN)/python tests/benchmarks

clean:
	rm -rf $(VENV) $(DEMO) build *.egg-info datasets/*.tfrecords

$(INSTALLED): setup.py requirements.txt aocr/__init__.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@
