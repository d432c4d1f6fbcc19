# Two commands from a bare clone: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup test test-faults test-all docs lint demo bench fuzz dist clean

setup: $(READY)

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[raw,dask,review,test,lint]'
	touch $(READY)

test: $(READY)
	$(BIN)/python -m pytest -n 4

# every system call that publishes, killed and failing; needs strace
test-faults: $(READY)
	$(BIN)/python -m pytest -n 2 -m slow tests/batch/test_syscalls.py

test-all: $(READY)
	$(BIN)/python -m pytest -n 2 -m 'slow or not slow'

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# the pages that are made from the code; a test compares them
docs: $(READY)
	$(BIN)/python -m tests.cli.generated
	$(BIN)/python -m tests.cli.man_pages
	$(BIN)/python -m tests.profile.generated
	$(BIN)/python -m tests.test_readme_zh
	$(BIN)/python -m tests.architecture_page

demo: $(READY)
	rm -rf demo
	$(BIN)/divere samples demo/negatives --roll --views --count 9 --megapixels 2 --border holder
	rm demo/negatives/divere_presets.json # which has the truth: the demo has to find it
	$(BIN)/divere batch demo/negatives demo/positives --isolation always --report demo/positives/divere-report.json --report demo/positives/divere-report.html
	$(BIN)/python -m tests.frames.demo demo
	$(BIN)/divere batch demo/strip demo/strip-positives --frames find --deskew --flat-field demo/light.tif
	@echo "negatives: demo/negatives"
	@echo "positives: demo/positives"
	@echo "report:    demo/positives/divere-report.html (and .json)"
	@echo "a strip:   demo/strip, its light in demo/light.tif, its pictures in demo/strip-positives"

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pyvips pyvips-binary
	$(BIN)/python -m bench

# broken files for every reader, guided by coverage: make fuzz SECONDS=600
SECONDS ?= 60
fuzz: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check atheris || echo "no atheris here: broken at random"
	$(BIN)/python -m tests.fuzz $(SECONDS)

# the source archive and the wheel, checked as an index would: docs/releasing.md
dist: $(READY)
	rm -rf dist
	$(PYTHON) -m venv .venv/dist
	.venv/dist/bin/python -m pip install --quiet --disable-pip-version-check build twine
	.venv/dist/bin/python -m build --outdir dist .
	.venv/dist/bin/python -m twine check --strict dist/*

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
