# `make` lists the targets. Each one first creates .venv, which takes minutes the first time and no time after that.
.DEFAULT_GOAL := help
.PHONY: run test test-current check audit scores bench quality faults mutants docs help set-up

# Modules of another Python installation must not be imported.
unexport PYTHONPATH PYTHONHOME

run: set-up  ## run a pipeline on this machine: make run ARGS="--pipeline houses"
	@.venv/bin/python runner.py --local $(ARGS)

test: set-up  ## run the tests: make test ARGS="tests/pipeline -k roles"
	.venv/bin/python -m pytest -n auto --dist loadfile $(ARGS)

test-current:  ## run the pipeline and the tests on the newer stack, in a Debian 13 root under .current (as root)
	@tests/current_stack.sh $(ARGS)

check: set-up  ## check style, types, import contracts, spelling, unused code and the locked packages
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	@.venv/bin/mypy --config-file tests/mypy.ini & tests=$$!; .venv/bin/mypy && wait $$tests || { wait $$tests; exit 1; }
	.venv/bin/lint-imports
	.venv/bin/codespell
	.venv/bin/vulture
	.venv/bin/python security

audit: set-up  ## check the locked packages against known advisories, offline, and show which are accepted and why
	@.venv/bin/python security --accepted

scores: set-up  ## train every pipeline in configs/ and compare the scores with their thresholds
	@.venv/bin/python tests/scores $(ARGS)

faults: set-up  ## inject every fault, also slow ones, and write docs/reference/faults.md
	@.venv/bin/python tests/faults $(ARGS)

mutants: set-up  ## mutation testing, list small edits of the code that no test detects: make mutants ARGS="--seed 2"
	@.venv/bin/python tests/mutants $(ARGS)

bench: set-up  ## measure time and memory, compared with stock TFX and a script written by hand: make bench ARGS="--rows 21613 --write"
	@.venv/bin/python -m benchmarks $(ARGS)

quality: set-up  ## compare untouched proposals of `new` with boosted trees on public tables: make quality ARGS="--half used --seeds 1"
	UV_PROJECT_ENVIRONMENT=.tools/quality .tools/uv/bin/uv sync --quiet --frozen --only-group quality --python .venv/bin/python
	@.venv/bin/python -m benchmarks.quality $(ARGS)

docs: set-up  ## write the reference from the code, and build the site into site/
	.venv/bin/python -m docs.generate
	UV_PROJECT_ENVIRONMENT=.tools/docs .tools/uv/bin/uv sync --quiet --frozen --only-group docs --python .venv/bin/python
	NO_MKDOCS_2_WARNING=1 .tools/docs/bin/mkdocs build --strict

help:  ## list the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1|\2/p' Makefile | while IFS='|' read -r target text; do \
	  printf '%-20s %s\n' "$$target" "$$text"; done
	@echo 'STACK=legacy (Python 3.10, TFX 1.16) or STACK=current (Python 3.11 to 3.13, TFX 1.21, glibc 2.39) selects the'
	@echo 'stack; the default is the newest one that this machine supports.'

# python3 may be the shim of a version manager without an active version, so each candidate is tried.
set-up:
	@for python in /usr/bin/python3 python3 /usr/local/bin/python3 python3.13 python3.12 python3.11 python3.10 python; do \
	  if "$$python" -ISc 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then \
	    exec "$$python" -IS orchestration/setup/install.py $(if $(STACK),--stack $(STACK)); fi; done; \
	echo 'set-up: Python 3.8 or newer is missing: install it, for example with `apt-get install -y python3`, and try again.' >&2; \
	exit 2
