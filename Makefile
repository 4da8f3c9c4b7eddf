# Every target creates .venv when it is missing, and runs in it: nothing has to be installed or activated.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

DEMO := demo
DEMO_MODEL := --max-width=120 --max-height=48 --max-prediction=5 \
	--model-dir=$(DEMO)/checkpoints --log-path=$(DEMO)/aocr.log

.DEFAULT_GOAL := help
.PHONY: help demo test lint types check format bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## read at once; then train, test and export a reader on datasets/; about two minutes on two cores
	rm -rf $(DEMO)
	mkdir -p $(DEMO)
	$(BIN)/aocr predict --model-dir=latin --log-path=$(DEMO)/aocr.log datasets/images/hello.jpg
	$(BIN)/aocr dataset datasets/annotations-training.txt datasets/training.tfrecords \
		--log-path=$(DEMO)/aocr.log
	$(BIN)/aocr dataset datasets/annotations-testing.txt datasets/testing.tfrecords \
		--log-path=$(DEMO)/aocr.log
	$(BIN)/aocr train $(DEMO_MODEL) datasets/training.tfrecords --recipe=modern --augment=light --num-epoch=20 --seed=1
	$(BIN)/aocr test $(DEMO_MODEL) datasets/testing.tfrecords
	$(BIN)/aocr export $(DEMO_MODEL) $(DEMO)/exported
	$(BIN)/python datasets/read_with_export.py $(DEMO)/exported datasets/images/hello.jpg

test: $(INSTALLED) ## run all tests
	$(BIN)/python -m pytest

lint: $(INSTALLED) ## check style and format with ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## check types with mypy
	$(BIN)/mypy aocr

check: ## lint, types and test in this order; stops at the first that fails
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory types
	$(MAKE) --no-print-directory test

format: $(INSTALLED) ## fix and format the code with ruff
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED) ## run the benchmarks; about twenty minutes on two cores
	$(BIN)/python tests/benchmarks

clean: ## remove .venv, the demo's files and built datasets
	rm -rf $(VENV) $(DEMO) build *.egg-info datasets/*.tfrecords

$(INSTALLED): setup.py requirements.txt aocr/__init__.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@
