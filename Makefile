# make run            set up .venv and run the daemon on the best camera of this machine
# make test           set up .venv and run every test that needs no further machine
# make test-live      the daemon under a real Prometheus and before real network cameras, its page in real browsers,
#                     benchmarks in short runs
# make test-system    the service in a guest under QEMU, with real camera drivers and a real systemd; the container image
# make test-arm       the project on a Raspberry Pi's instruction set, emulated by QEMU; needs root
# make install        as a service, with sudo; 'make uninstall' removes it
# make docker         a container image
# make lint           style, types, the import law, live page, deploy/, workflow; 'make format' changes what it can
# make screenshots    pictures of the live page in every size; ARGS="--output FOLDER --source FILE ..."
# make docs           write the documents that are made from the code and from the benchmarks' results
# make programs       write the list of programs that 'prepare' writes and that may be loaded
# make demo-model     learn the demonstration model that comes along; some minutes
# make benchmark      how long the start takes, beside the tutorial's
# make constraints    the newest versions in setup.cfg's ranges into .venv and constraints.txt
# make clean          remove .venv and what builds leave
#
# ARGS="..." goes to the program or to pytest. A target sets up only what it needs, and only again when setup.cfg or
# constraints.txt change.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet
PIP_TRIED := $(PIP) --constraint constraints.txt
PAGE := pi_classifier/web/static
PAGE_CHECKS := tests/page
PAGE_TOOLS := $(PAGE_CHECKS)/node_modules
DEVELOPMENT := .[litert,onnx,web,mqtt,test,clients,benchmark,peers,fleet,lint]

.PHONY: run test test-live test-system test-arm install uninstall docker lint lint-page page-tools format docs \
    screenshots programs demo-model benchmark constraints clean

# Exit 69 is: no weights for the camera, and none to be had. What comes along can be tried all the same.
run: $(VENV)/.run
	@$(BIN)/pi-classifier run $(ARGS) || { \
	    code=$$?; [ $$code = 69 ] || exit $$code; \
	    echo "make run: NO WEIGHTS; going on with a drawn scene and the demonstration model, which knows no other" >&2; \
	    exec $(BIN)/pi-classifier run $(ARGS) --weights demo --source synthetic:; \
	}

# Files of tests beside one another, in their order: what is fast comes first. ARGS="-n 0 --pdb" debugs one.
test: $(VENV)/.test
	$(BIN)/python -m pytest --ignore tests/guest --ignore tests/arm --ignore tests/live \
	    --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

# Skips, with the reason, where Debian's prometheus is not installed.
test-live: $(VENV)/.test page-tools
	$(BIN)/python -m pytest tests/live $(ARGS)

test-system: $(VENV)/.test
	$(BIN)/python -m pytest tests/guest $(ARGS)

test-arm: $(VENV)/.test
	$(BIN)/python -m pytest tests/arm $(ARGS)

install:
	systemd/install.sh install

uninstall:
	systemd/install.sh uninstall

# For this machine's architecture; 'docker buildx build --platform' makes it for others.
docker:
	@docker info >/dev/null 2>&1 || { echo "no container engine answers: start Docker, or install it" >&2; exit 69; }
	DOCKER_BUILDKIT=1 docker build --file deploy/docker/Dockerfile --build-arg PIP_EXTRA_INDEX_URL --build-arg ONNX \
	    --tag pi-classifier .

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/hadolint deploy/docker/Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose/compose.yaml
	PATH="$$PWD/$(BIN):$$PATH"; cd deploy/ansible && ansible-lint --offline
	$(MAKE) --no-print-directory lint-page

# Apart, for it alone needs Node.js.
lint-page: page-tools
	@! command -v npm >/dev/null || { set -ex; \
	    $(PAGE_TOOLS)/.bin/html-validate --config $(PAGE_CHECKS)/htmlvalidate.json $(PAGE)/*.html; \
	    $(PAGE_TOOLS)/.bin/eslint --config $(PAGE_CHECKS)/eslint.config.js $(PAGE); \
	    $(PAGE_TOOLS)/.bin/stylelint --config $(PAGE_CHECKS)/stylelint.json '$(PAGE)/*.css'; \
	}

page-tools:
	@if command -v npm >/dev/null; then \
	    $(MAKE) --no-print-directory $(PAGE_TOOLS)/.package-lock.json; \
	else \
	    echo "npm not found, so the live page is not checked: apt install nodejs npm" >&2; \
	fi

# npm writes this file last.
$(PAGE_TOOLS)/.package-lock.json: $(PAGE_CHECKS)/package-lock.json
	npm ci --no-progress --prefix $(PAGE_CHECKS)
	@touch $@

screenshots: $(VENV)/.test
	$(BIN)/python -m tests.live.screenshots $(ARGS)

format: $(VENV)/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.test
	$(BIN)/python docs/generate.py

programs: $(VENV)/.run
	$(BIN)/python -m pi_classifier.prepare.programs

demo-model: $(VENV)/.run
	$(BIN)/python -m pi_classifier.training.demo $(ARGS)

benchmark: $(VENV)/.run
	$(BIN)/python benchmarks/startup.py $(ARGS)

# The comments on top stay. What depends on the architecture is pinned in setup.cfg.
constraints: $(VENV)/.lint
	$(PIP) --upgrade --upgrade-strategy eager --editable '$(DEVELOPMENT)'
	$(BIN)/python -m pip freeze --all --exclude-editable >$(VENV)/freeze.txt
	{ grep '^#' constraints.txt; sed -nE 's/^ +(torch(vision)?==)/\1/p' setup.cfg; \
	    sed -E '/^(pip|wheel|torch|torchvision|systemd-python|triton|nvidia-.*|cuda-.*)==/d; s/\+.*//' \
	    $(VENV)/freeze.txt; } >$(VENV)/constraints.txt
	mv $(VENV)/constraints.txt constraints.txt

clean:
	rm -rf $(VENV) build *.egg-info $(PAGE_TOOLS)

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found: apt install python3 python3-venv" >&2; exit 69; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	    { echo "Python 3.11 to 3.13 is needed: make PYTHON=python3.13 ..." >&2; exit 78; }
	@$(PYTHON) -c 'import ensurepip' || { echo "venv is missing: apt install python3-venv" >&2; exit 69; }
	$(PYTHON) -m venv $(VENV)

# A stamp is touched only after a whole install: an interrupted one is done again.
$(VENV)/.run: setup.cfg pyproject.toml constraints.txt | $(BIN)/python
	@echo "setting up $(VENV) (about 1 GB, a few minutes the first time)"
	$(PIP_TRIED) --editable '.[litert,onnx,web,mqtt]'
	@touch $@

$(VENV)/.test: $(VENV)/.run
	$(PIP_TRIED) --editable '.[litert,onnx,web,mqtt,test,clients,benchmark,peers,fleet]'
	@! pkg-config --exists libsystemd 2>/dev/null || $(PIP_TRIED) --editable '.[systemd]'
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	$(PIP_TRIED) --editable '$(DEVELOPMENT)'
	@touch $@
