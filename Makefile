# Every target sets up what it needs: Debian packages (packages/*.txt) and, for the test tools, build/venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON := build/venv/bin/python
# Made last, so that an interrupted installation is done again.
VENV := build/venv/.complete
HA := build/ha/.complete
# Two guests side by side: all tests of one guest stay with one worker, on one core.
PYTEST := LVS_LAB_REQUIRED=1 $(PYTHON) -m pytest -n 2 --dist loadgroup

include packaging/install.mk packaging/packages.mk

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: lab-packages ## a director and two real servers on a real IPVS kernel, by NAT and by direct routing
	@bin/lvsctl lab examples/vs-nat.toml
	@bin/lvsctl lab examples/vs-dr.toml

.PHONY: test
test: lint ## lint, then every test but those of test-boot, test-doctor, test-ha and test-load
	@$(PYTEST) --ignore=tests/boot --ignore=tests/doctor --ignore=tests/ha --ignore=tests/load

.PHONY: test-boot
test-boot: root $(VENV) ## as root: Debians with sysvinit and with systemd, our package installed, booted, removed there
	@packages/install packages/boot.txt
	@$(MAKE) --silent --jobs=2 machines
	@$(PYTEST) tests/boot

.PHONY: root
root:
	@[ "$$(id -u)" -eq 0 ] || \
	    { echo "make test-boot must be run by root: only root can set up a Debian in build/." >&2; exit 1; }

.PHONY: test-unit
test-unit: $(VENV) ## the tests that need no kernel
	@$(PYTEST) $(addprefix --ignore=tests/,lab load boot doctor ha packaging)

.PHONY: test-lab
test-lab: $(VENV) ## the tests on a real IPVS kernel
	@$(PYTEST) tests/lab

.PHONY: test-load
test-load: $(VENV) ## changes while clients ask and download; then the lab once more, its tables written by ipvsadm
	@$(PYTEST) tests/load
	@LVS_CHANNEL=ipvsadm $(PYTEST) -m 'not either_channel' tests/lab

.PHONY: test-doctor
test-doctor: $(VENV) ## every fault of the lab, injected, named by the doctor and mended; its reports in a browser
	@packages/install packages/doctor.txt
	@$(PYTEST) tests/doctor

.PHONY: test-ha
test-ha: $(VENV) $(HA) ## pairs of directors under Heartbeat and Pacemaker, neither of which is installed here
	@$(PYTEST) tests/ha

# Heartbeat and Pacemaker for hosts of the lab: their files only, so nothing of them is ever started on this machine.
$(HA): packages/ha.txt packages/unpack
	@echo "Unpacking what packages/ha.txt names into build/ha"
	@packages/unpack build/ha/root packages/ha.txt
	@touch $@

.PHONY: lint
lint: $(VENV) ## ruff and mypy
	@$(PYTHON) -m ruff check --quiet
	@$(PYTHON) -m ruff format --quiet --check || { echo 'Run "make format".' >&2; exit 1; }
	@$(PYTHON) -m mypy lvs_init manual $(wildcard bin/* rc.d/ocf/*)
	@# Named like those of bin, and mypy wants one of a name.
	@$(PYTHON) -m mypy $(wildcard rc.d/resource.d/*)

.PHONY: format
format: $(VENV) ## let ruff lay out the code
	@$(PYTHON) -m ruff format --quiet
	@$(PYTHON) -m ruff check --quiet --fix

.PHONY: man
man: ## build/man: the manual pages, made from docs/
	@python3 -B -m manual build/man
	@ls build/man/*/*

.PHONY: bench
bench: bench-packages ## ratios of one run inside one guest: lvs-init, bash, keepalived, ldirectord (16 minutes)
	@/usr/bin/python3 -m bench

.PHONY: bench-load
bench-load: bench-packages ## requests lost by changing a table under load: the same four (5 minutes)
	@/usr/bin/python3 -m bench.load

.PHONY: bench-ha
bench-ha: bench-packages $(HA) ## what clients notice of a failover: lvs-init and bash under Heartbeat, keepalived (10 minutes)
	@PYTHONPATH=tests/lab:tests/ha /usr/bin/python3 -m bench.ha

.PHONY: bench-plot
bench-plot: build/bench.json ## docs/performance.svg, drawn from the last make bench
	@/usr/bin/python3 -m bench.plot $< docs/performance.svg

build/bench.json:
	@$(MAKE) --no-print-directory bench

.PHONY: clean
clean: ## remove what tests and builds left, keep the virtual environment
	@find . -path ./build -prune -o -name __pycache__ -prune -exec rm -rf {} +
	@rm -rf $(filter-out build/venv,$(wildcard build/*)) dist .hypothesis *.egg-info

.PHONY: distclean
distclean: clean ## remove everything that make produced
	@rm -rf build

.PHONY: lab-packages
lab-packages:
	@packages/install packages/lab.txt

.PHONY: bench-packages
bench-packages:
	@packages/install packages/lab.txt packages/bench.txt

.PHONY: test-packages
test-packages:
	@packages/install packages/lab.txt packages/test.txt packages/deb.txt packages/rpm.txt

# Holds the requirements of the project and its test tools, not the project: tests run what stands in the checkout.
$(VENV): setup.cfg | test-packages
	@echo "Setting up build/venv"
	@/usr/bin/python3 -m venv build/venv
	@/usr/bin/python3 -c 'import configparser; setup = configparser.ConfigParser(); setup.read("setup.cfg"); \
	    print(setup["options"]["install_requires"], setup["options.extras_require"]["test"])' >build/requirements.txt
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --use-pep517 -r build/requirements.txt
	@touch $@
