# The Debian and the Red Hat package, built from a copy of what stands here: nothing is written outside build/.
version := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' lvs_init/__init__.py)
sources := bin completions debian docs examples lvs_init manual packaging rc.d CHANGELOG.md LICENSE Makefile README.md

# One build at a time: who tests and who builds may be two.
one_at_a_time = mkdir -p build; exec {lock}>build/$@.lock; flock $$lock

.PHONY: deb
deb: ## build/lvs-init_VERSION_all.deb
	@packages/install packages/deb.txt
	@$(one_at_a_time); rm -rf build/deb; mkdir -p build/deb/source; \
	tar -c --exclude=__pycache__ --mode=u=rwX,go=rX $(sources) | tar -x --no-same-owner -p -C build/deb/source; \
	(cd build/deb/source && dpkg-buildpackage --build=binary --no-sign) >build/deb/build.log 2>&1 || \
	    { cat build/deb/build.log >&2; exit 1; }; \
	rm -f build/lvs-init_*.deb; mv build/deb/lvs-init_*_all.deb build/; ls build/lvs-init_*_all.deb

.PHONY: rpm
rpm: ## build/lvs-init-VERSION.noarch.rpm
	@packages/install packages/rpm.txt
	@$(one_at_a_time); rm -rf build/rpm; mkdir -p build/rpm/SOURCES; \
	tar -czf build/rpm/SOURCES/lvs-init-$(version).tar.gz --exclude=__pycache__ --mode=u=rwX,go=rX \
	    --transform 's|^|lvs-init-$(version)/|S' $(sources); \
	rpmbuild -bb --define "_topdir $(CURDIR)/build/rpm" --define "version $(version)" packaging/lvs-init.spec \
	    >build/rpm/build.log 2>&1 || { cat build/rpm/build.log >&2; exit 1; }; \
	rm -f build/lvs-init-*.rpm; mv build/rpm/RPMS/noarch/lvs-init-*.noarch.rpm build/; ls build/lvs-init-*.noarch.rpm

# A Debian 12 that sysvinit boots and one that systemd boots. Tests install our package into copies of them.
MACHINES := build/sysv/.complete build/systemd/.complete
.PHONY: machines
machines: $(MACHINES)

$(MACHINES): build/%/.complete: packages/%.txt
	@echo "Setting up build/$*"
	@rm -rf build/$*
	@mmdebstrap --quiet --variant=minbase --include="$$(sed 's/#.*//' $<)" \
	    --essential-hook='printf "#!/bin/sh\nexit 101\n" >"$$1/usr/sbin/policy-rc.d"; chmod 755 "$$1/usr/sbin/policy-rc.d"' \
	    --customize-hook='rm "$$1/usr/sbin/policy-rc.d"' bookworm build/$*
	@touch $@
