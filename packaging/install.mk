# make install puts lvs-init into this system, or below DESTDIR into a package's tree. docs/adr/0006-installation.md
prefix := /usr/local
sbindir := $(prefix)/sbin
datadir := $(prefix)/share
docdir := $(datadir)/doc/lvs-init
mandir := $(datadir)/man
completionsdir := $(datadir)/bash-completion/completions
unitdir := $(prefix)/lib/systemd/system
presetdir = $(unitdir)-preset
tmpfilesdir := $(prefix)/lib/tmpfiles.d
# Where Pacemaker looks for agents, whatever the prefix.
ocfdir := /usr/lib/ocf/resource.d/lvs
# And where Heartbeat looks for the resources of haresources.
haresourcedir := /etc/ha.d/resource.d
# On Red Hat /etc/init.d is a link to the real directory.
INITDIR := $(if $(wildcard $(DESTDIR)/etc/rc.d/init.d/.),/etc/rc.d/init.d,/etc/init.d)

scripts := lvs-director lvs-realserver
agents := director realserver
library := $(datadir)/lvs-init
red_hat := $(filter %/rc.d/init.d,$(INITDIR))
defaults := /etc/$(if $(red_hat),sysconfig,default)
# What says more to the init system than a script's header can say to all of them.
overridesdir := $(if $(red_hat),/etc/chkconfig.d,/usr/share/insserv/overrides)
overrides := $(addprefix rc.d/$(if $(red_hat),chkconfig.d,insserv)/,$(scripts))
# Everything that is ours to overwrite and to remove.
installed = $(addprefix $(sbindir)/,$(scripts) lvsctl) $(addprefix $(INITDIR)/,$(scripts)) \
    $(patsubst %,$(unitdir)/%.service,$(scripts)) $(presetdir)/80-lvs-init.preset $(tmpfilesdir)/lvs-init.conf \
    $(patsubst %,$(mandir)/man8/%.8,$(scripts) lvsctl) $(mandir)/man5/lvs.toml.5 \
    $(patsubst %,$(mandir)/man7/ocf_lvs_%.7,$(agents)) \
    $(addprefix $(completionsdir)/,$(scripts) lvsctl) \
    $(addprefix $(overridesdir)/,$(scripts)) $(addprefix $(ocfdir)/,$(agents)) \
    $(addprefix $(haresourcedir)/,$(scripts))

.PHONY: install
install: ## into this system: DESTDIR=, prefix=/usr/local, INITDIR= (/etc/rc.d/init.d or /etc/init.d)
	@install -d -m 755 $(addprefix $(DESTDIR),$(sbindir) $(library)/bin $(docdir) $(unitdir) $(presetdir) $(tmpfilesdir) \
	    $(completionsdir) $(overridesdir) $(INITDIR) $(defaults) /etc/lvs $(library)/ocf $(ocfdir) \
	    $(library)/resource.d $(haresourcedir))
	@install -m 755 -t $(DESTDIR)$(sbindir) $(addprefix bin/,$(scripts) lvsctl)
	@rm -rf $(DESTDIR)$(library)/lvs_init
	@tar -c --exclude=__pycache__ --mode=u=rwX,go=rX lvs_init | tar -x --no-same-owner -p -C $(DESTDIR)$(library)
	@# The lab takes the scripts from beside the library.
	@ln -sfnr -t $(DESTDIR)$(library)/bin $(addprefix $(DESTDIR)$(sbindir)/,$(scripts) lvsctl)
	@ln -sfnr -t $(DESTDIR)$(INITDIR) $(addprefix $(DESTDIR)$(sbindir)/,$(scripts))
	@install -m 755 -t $(DESTDIR)$(library)/ocf $(addprefix rc.d/ocf/,$(agents))
	@ln -sfnr -t $(DESTDIR)$(ocfdir) $(addprefix $(DESTDIR)$(library)/ocf/,$(agents))
	@install -m 755 -t $(DESTDIR)$(library)/resource.d $(addprefix rc.d/resource.d/,$(scripts))
	@ln -sfnr -t $(DESTDIR)$(haresourcedir) $(addprefix $(DESTDIR)$(library)/resource.d/,$(scripts))
	@for name in $(scripts); do \
	    sed 's|/usr/sbin/|$(sbindir)/|' rc.d/systemd/$$name.service >$(DESTDIR)$(unitdir)/$$name.service; \
	    chmod 644 $(DESTDIR)$(unitdir)/$$name.service; \
	    [ -e $(DESTDIR)$(defaults)/$$name ] || install -m 644 rc.d/default/$$name $(DESTDIR)$(defaults); \
	done
	@install -m 644 -t $(DESTDIR)$(presetdir) rc.d/systemd/80-lvs-init.preset
	@install -m 644 -t $(DESTDIR)$(tmpfilesdir) rc.d/tmpfiles.d/lvs-init.conf
	@python3 -B -m manual $(DESTDIR)$(mandir)
	@install -m 644 -t $(DESTDIR)$(completionsdir) $(addprefix completions/,$(scripts) lvsctl)
	@install -m 644 -t $(DESTDIR)$(docdir) README.md CHANGELOG.md LICENSE
	@tar -c --mode=u=rwX,go=rX docs examples | tar -x --no-same-owner -p -C $(DESTDIR)$(docdir)
	@install -m 644 -t $(DESTDIR)$(overridesdir) $(overrides)
	@[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload

# A running director would have nobody left who can stop it; stopping it is not for us to decide.
.PHONY: uninstall
uninstall: ## undo make install; your configuration stays
ifeq ($(DESTDIR),)
	@running=$$(find /run/lvs -name '*.record' -printf '%f ' 2>/dev/null || true); [ -z "$$running" ] || { \
	    echo "Still running: $${running//.record/}- stop it first (lvs-director stop, lvs-realserver stop)." >&2; exit 1; }
	@! command -v chkconfig >/dev/null || for name in $(scripts); do chkconfig --del $$name; done
endif
	@for name in $(scripts); do \
	    file=$(DESTDIR)$(defaults)/$$name; \
	    if cmp -s rc.d/default/$$name $$file; then rm $$file; \
	    elif [ -e $$file ]; then echo "$$file has been changed, it stays."; fi; \
	    rm -f $(DESTDIR)/etc/rc[0-6].d/[SK][0-9][0-9]$$name $(DESTDIR)/etc/rc.d/rc[0-6].d/[SK][0-9][0-9]$$name \
	        $(DESTDIR)/etc/systemd/system/multi-user.target.wants/$$name.service; \
	done
	@rm -f $(addprefix $(DESTDIR),$(installed))
	@rm -rf $(addprefix $(DESTDIR),$(library) $(docdir))
	@for directory in /etc/lvs $(overridesdir) $(ocfdir) $(haresourcedir) /etc/ha.d; do \
	    rmdir $(DESTDIR)$$directory 2>/dev/null || true; done
	@if [ -e $(DESTDIR)/etc/lvs ]; then echo "$(DESTDIR)/etc/lvs stays: the configuration is yours."; fi
ifeq ($(DESTDIR),)
	@# Others' links have numbers that made room for ours.
	@! command -v update-rc.d >/dev/null || for name in $(scripts); do update-rc.d $$name remove; done
	@[ ! -d /run/systemd/system ] || systemctl daemon-reload
endif
