# Two commands set everything up from a fresh clone: `make bench` and `make test`.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& { echo $$p; break; }; done)
PRESET ?= standard
DEVICE ?=
BASE ?=
FORMAT ?= table
ARGS ?=
export DEVICE
BENCH = .venv/bin/python -m bench

.PHONY: help base-named setup setup-dev bench bench-engines bench-mobile bench-precisions bench-cpp bench-gpu bench-arm regression regression-report report doctor reliability check format test lock benchmark schemas reference docs wheel clean

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-18s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "PRESET=quick|standard|paddleclas   how thoroughly to measure (default: standard)"
	@echo "ARGS='--variant x0_5 --threads 1'  more flags for python -m bench run"

setup: .venv/harness.stamp  ## the harness's own environment, from its locked file

setup-dev: .venv/dev.stamp  ## the same with what check and test need

.venv/bin/python:
	@test -n "$(PYTHON)" || { \
	echo "make: no Python 3.10 to 3.13 on PATH: install one, or run make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
	echo "make: $(PYTHON) can't make an environment: on Debian, apt install python3-venv" >&2; exit 2; }

.venv/harness.stamp: bench/envs/harness.txt | .venv/bin/python
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/dev.stamp: bench/envs/dev.txt | .venv/bin/python
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@ .venv/harness.stamp

bench: setup  ## measure all models on this machine's CPU, write tables and plots
	@$(BENCH) run --suite cpu --preset $(PRESET) $(ARGS)

bench-engines: setup  ## the same through every engine on the CPU, side by side
	@$(BENCH) run --suite engines --preset $(PRESET) $(ARGS)

bench-mobile: setup  ## all of PaddleClas's mobile nets through every engine on the CPU
	@$(BENCH) run --suite mobile --preset $(PRESET) $(ARGS)

bench-precisions: setup  ## the engines below FP32, where engine and chip have it
	@$(BENCH) run --suite precisions --preset $(PRESET) $(ARGS)

bench-cpp: setup  ## engines through their Python API and from C++, by turns: what Python costs
	@$(BENCH) run --suite cpp --preset $(PRESET) $(ARGS)

bench-gpu: setup  ## the same on an NVIDIA GPU, with the runners that serve it
	@$(BENCH) run --suite gpu --preset $(PRESET) $(ARGS)

bench-arm: setup  ## the same on an Android phone: make bench-arm DEVICE=serial
	@$(BENCH) run --suite arm --preset $(PRESET) $(if $(DEVICE),--device "$$DEVICE") $(ARGS)

agent:  ## the phone's device program: make agent NDK=... PADDLE_LITE=...
	@scripts/build_agent.sh "$(NDK)" "$(PADDLE_LITE)"

regression: base-named setup  ## this checkout live against a revision: make regression BASE=main
	@$(BENCH) ab --base "rev:$(BASE)" --format "$(FORMAT)" $(ARGS)

base-named:
	@test -n "$(BASE)" || { echo "make: regression holds this checkout against a revision: name it," \
	"as in make regression BASE=main (BASE=HEAD: against changes that aren't committed)" >&2; exit 2; }

regression-report: setup  ## what that can tell on this machine, into docs/regression.md: hours
	.venv/bin/python scripts/regression_report.py $(ARGS)

report: setup  ## every table and plot again, from results/ alone
	@$(BENCH) report

doctor: setup  ## what can run on this machine, and what brings the rest
	@$(BENCH) doctor

check: setup-dev  ## format, lint, types, import contracts, bandit
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	.venv/bin/bandit --quiet --configfile pyproject.toml --recursive bench scripts

test: setup-dev  ## the whole test suite, two files at a time
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

format: setup-dev  ## put the code in form
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

reliability: setup-dev  ## hostile files, power cuts, full disks, kills, into docs/reliability.md: two hours
	.venv/bin/python scripts/reliability/report.py $(ARGS)

lock: setup-dev  ## resolve bench/envs/*.in again
	scripts/lock.sh

benchmark: setup  ## what the harness itself costs: help, report, timed loop
	.venv/bin/python scripts/benchmark_harness.py

schemas: setup-dev  ## write results/schema from the code
	.venv/bin/python scripts/write_schemas.py

reference: setup-dev  ## write docs/reference from the code
	.venv/bin/python scripts/write_reference.py

docs: reference  ## the documentation as a site, into build/site
	@NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --quiet --strict
	@echo "wrote build/site/index.html"

wheel: setup  ## what pip and uv install, into build/dist
	.venv/bin/uv build --wheel --out-dir build/dist

clean:  ## remove .venv and caches, never results
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
