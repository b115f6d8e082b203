# make run    set up .venv and run the daemon on the best camera of this machine
# make test   set up .venv and run every test
# make install    as a service, with sudo; make uninstall removes it
# make lint   style, types and the import law
#
# A target sets up only what it needs, and only again when setup.cfg changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.PHONY: run test test-system test-arm install uninstall docker lint format benchmark clean

# Exit 69 is: no weights, and none to be had. The rest of the program can be tried all the same.
run: $(VENV)/.run
	@$(BIN)/pi-classifier run $(ARGS) || { \
	    code=$$?; [ $$code = 69 ] || exit $$code; \
	    echo "make run: NO WEIGHTS; going on with random ones, whose labels mean nothing" >&2; \
	    exec $(BIN)/pi-classifier run --weights untrained $(ARGS); \
	}

test: $(VENV)/.test
	$(BIN)/python -m pytest --ignore tests/guest --ignore tests/arm $(ARGS)

# The service on a real camera driver and a real systemd, in a guest under QEMU.
test-system: $(VENV)/.test
	$(BIN)/python -m pytest tests/guest $(ARGS)

# On the instruction set of a Raspberry Pi 4 and 5, emulated by QEMU. Needs root.
test-arm: $(VENV)/.test
	$(BIN)/python -m pytest tests/arm $(ARGS)

install:
	systemd/install.sh install

uninstall:
	systemd/install.sh uninstall

# For this machine's architecture; 'docker buildx build --platform' makes it for others.
docker:
	@docker info >/dev/null 2>&1 || { echo "no container engine answers: start Docker, or install it" >&2; exit 69; }
	DOCKER_BUILDKIT=1 docker build --file deploy/docker/Dockerfile --build-arg PIP_EXTRA_INDEX_URL --tag pi-classifier .

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/hadolint deploy/docker/Dockerfile

format: $(VENV)/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: $(VENV)/.run
	$(BIN)/python benchmarks/startup.py $(ARGS)

clean:
	rm -rf $(VENV) build *.egg-info

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found: apt install python3 python3-venv" >&2; exit 69; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	    { echo "Python 3.11 to 3.13 is needed: make PYTHON=python3.13 ..." >&2; exit 78; }
	@$(PYTHON) -c 'import ensurepip' || { echo "venv is missing: apt install python3-venv" >&2; exit 69; }
	$(PYTHON) -m venv $(VENV)

# A stamp is touched only after a whole install: an interrupted one is done again.
$(VENV)/.run: setup.cfg pyproject.toml | $(BIN)/python
	@echo "setting up $(VENV) (about 1 GB, a few minutes the first time)"
	$(PIP) --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	$(PIP) --editable '.[test,benchmark,peers]'
	@! pkg-config --exists libsystemd 2>/dev/null || $(PIP) --editable '.[systemd]'
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	$(PIP) --editable '.[lint]'
	@touch $@
