# Every habit is one command; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help venv demo demo-loop ui test test-all debian-packages lint format lock clean
.PHONY: bench bench-lineage bench-openlineage bench-serving bench-models
.DELETE_ON_ERROR:

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# One more than two cores: tests wait for processes a tenth of their time; a fourth worker took more CPU seconds.
WORKERS ?= 3
# An index with CPU wheels of torch, for a machine without a GPU and without wheels of its own:
# make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
# torch is the one package whose hash is not checked: its CPU wheels (2.13.0+cpu) are other files than those of PyPI, and
# the CUDA packages that PyPI's wheel asks for are not in the lock. It comes last, so that what else it needs is there.
# The lock names every package, so pip looks for no other: where one asks for another's extra (gql[requests]), pip before
# 23.3 would look for newer versions and then refuse them for want of a hash.
TORCH = $(shell sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.lock)
TORCH_FROM = $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
# All is installed by uv, in a third of pip's CPU seconds, from where pip is told to look, which uv would not know.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all:
PIP_SOURCES = $$($(BIN)/python -m pip config list | sed -n "s/^[^=]*\.\(index-url\|extra-index-url\|find-links\)='\(.*\)'$$/\1 \2/p" | \
  sort -u | while read -r option places; do for place in $$places; do printf ' --%s %s' "$$option" "$$place"; done; done)
UV = $(BIN)/uv pip install --quiet --python $(BIN)/python --only-binary :all: --index-strategy unsafe-best-match \
  $(PIP_SOURCES)

# Of several interpreters of one version on PATH the fastest is taken: pyenv builds its own without profile-guided
# optimisation, and they need a third more CPU seconds than Debian's. Says the milliseconds of a small loop, and where it is.
define SPEED
import sys, time, venv, ensurepip
if not (3, 10) <= sys.version_info < (3, 13):
    sys.exit(1)
class Cell:
    def __init__(self, value):
        self.value = value
def seconds():
    start = time.process_time()
    cells = {str(n % 500): Cell(n) for n in range(5000)}
    sum(cell.value * cell.value % 7 for cell in cells.values())
    return time.process_time() - start
print(f"{1000 * min(seconds() for _ in range(99)):.3f}", sys.executable)
endef
export SPEED

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## make .venv and install the lock (skipped while the lock is unchanged)

$(STAMP): requirements.lock pyproject.toml
	@python=$${PYTHON:-}; \
	for name in python3.11 python3.12 python3.10 python3 python; do \
	  [ -n "$$python" ] && break; \
	  python=$$(IFS=:; for folder in $$PATH; do [ -x "$$folder/$$name" ] && "$$folder/$$name" -c "$$SPEED" 2>/dev/null; done | \
	    LC_ALL=C sort -n | head -n 1 | cut -d ' ' -f 2-); \
	done; \
	[ "$$(uname -s)" = Linux ] || { echo "Expected Linux, found $$(uname -s): DGL has no wheels for it. Use the Dockerfile."; exit 1; }; \
	[ -n "$$python" ] || { echo "Expected Python 3.10, 3.11 or 3.12 with its venv module, found none on PATH." \
	  "Install one (Debian: apt install python3 python3-venv), or name it: make venv PYTHON=/path/to/python3.11"; exit 1; }; \
	echo "Making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.txt; sed '/^torch==/,/[^\\]$$/d' requirements.lock > $(VENV)/most.txt
	$(PIP) --no-deps --require-hashes -r $(VENV)/uv.txt
	$(UV) --no-deps --require-hashes -r $(VENV)/most.txt || \
	  { echo "uv could not install the lock; pip does, in some minutes"; \
	    $(PIP) --no-deps --require-hashes -r $(VENV)/most.txt; }
	$(UV) $(TORCH_FROM) $(TORCH) || $(PIP) $(TORCH_FROM) $(TORCH)
	$(PIP) --no-deps --no-build-isolation -e .
	@# a sixth of all modules is ever imported: those are compiled, by one process before many import them at once
	-@$(BIN)/python -W ignore -c 'import os, recsys_assets.definitions, dagster_webserver, torch, dgl, lightgbm, pytest; os._exit(0)'
	@touch $@

demo: $(STAMP) ## run the whole asset graph on The Complete Journey and show what came of it
	$(BIN)/recsys demo

demo-loop: $(STAMP) ## serve, play customers, and report on the experiment; after make demo, in about two minutes
	@$(BIN)/recsys serve & service=$$!; trap 'kill $$service 2>/dev/null' EXIT; \
	$(BIN)/recsys simulate --example --wait 90 || exit 1; \
	kill $$service; wait $$service; trap - EXIT; \
	$(BIN)/recsys materialize 'feedback_files or exposures or feedback or searches or clicks_by_position or search_quality or ab_report or off_policy_report' && \
	$(BIN)/recsys experiments report

ui: $(STAMP) ## serve Dagster's interface on http://127.0.0.1:3000
	$(BIN)/recsys ui

# Files with few tests are the long ones, so the order is not that of their numbers. A worker that dies ends the run: the
# tests that it had taken would wait for it for ever. Hundreds of processes are started, so what they import is compiled once.
PYTEST := OMP_NUM_THREADS=1 env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --max-worker-restart 0

test: $(STAMP) ## run the tests but the slow ones, in about a quarter of an hour (with CI=1 fewer cases of each kind)
	$(PYTEST) -m "not slow"

test-all: $(STAMP) ## run every test: kills, crashes, the browser, every command of the documents too
	$(PYTEST)

debian-packages: ## as root: install what the slow tests drive (chromium, Java, PostgreSQL, strace)
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	  chromium openjdk-17-jre-headless postgresql strace

# What is checked for types, all when empty: make lint TYPED=recsys_lineage
TYPED ?=
lint: $(STAMP) ## check style, types and the arrows between the packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright $(TYPED)
	$(BIN)/lint-imports

format: $(STAMP) ## put the code into the house's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## measure the platform and print the table
	$(BIN)/python -m benchmarks.platform

bench-lineage: $(STAMP) ## measure lineage of columns, rows and graphs and print the tables
	$(BIN)/python benchmarks/lineage.py columns --pure
	$(BIN)/python benchmarks/lineage.py rows
	$(BIN)/python benchmarks/lineage_graph.py

bench-openlineage: $(STAMP) ## measure events to external catalogs and print the tables
	$(BIN)/python benchmarks/openlineage.py translate
	$(BIN)/python benchmarks/openlineage_deliver.py deliver
	$(BIN)/python benchmarks/openlineage_deliver.py slow
	$(BIN)/python benchmarks/openlineage_deliver.py faults

bench-serving: $(STAMP) ## measure the service under load, on the champion of the home, and print the table
	$(BIN)/python benchmarks/serving.py http

bench-models: $(STAMP) ## measure the recommenders and print the table
	$(BIN)/python benchmarks/propagation.py
	$(BIN)/python benchmarks/models_shop.py --family popularity item_neighbours lightgcn
	if [ -d ../shared/data/gowalla ]; then $(BIN)/python benchmarks/quality.py ../shared/data/gowalla; fi

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes $(if $(UPGRADE),--upgrade) \
  --custom-compile-command "make lock (why no CUDA package is pinned: pyproject.toml, [tool.uv])"

lock: ## resolve exact versions again for Python 3.10 to 3.12 (UPGRADE=1 takes newer ones)
	$(COMPILE) --extra dev --output-file requirements.lock pyproject.toml
	cp requirements.lock requirements-runtime.lock  # what an output file pins, uv keeps
	$(COMPILE) --output-file requirements-runtime.lock pyproject.toml
	@for version in 3.10 3.11 3.12; do \
	  $(BIN)/uv pip compile --quiet --no-deps --no-build --python-version $$version \
	    --python-platform x86_64-manylinux_2_28 requirements.lock --output-file $(VENV)/lock-check.txt || \
	    { echo "On Python $$version the lock needs a package without a wheel: see above"; exit 1; }; \
	done; rm -f $(VENV)/lock-check.txt

clean: ## remove .venv, caches and build output; $RECSYS_HOME stays
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
