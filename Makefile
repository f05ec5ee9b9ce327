# SPDX-License-Identifier: GPL-2.0
# What a person types; `make help` lists it. What kbuild reads is Kbuild. Everything built goes to build/.

ifdef KDIR
# what it calls itself, which is not what kernel.release of Debian's 6.1 says
KERNELRELEASE ?= $(or $(shell sed -nE 's/^.define UTS_RELEASE "(.*)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null),$(shell uname -r))
endif
KERNELRELEASE ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KERNELRELEASE)/build
PREFIX ?= /usr/local
# Where `make shell` and `make demo` run: any guest of tools/vm/run.
GUEST ?= 6.12
# Where `make fuzz` does.
KERNEL ?= debug
export REFSLAB_CACHE

build := $(CURDIR)/build
vm := tools/vm
module := $(build)/modules/$(KERNELRELEASE)
programs := tools/librefslab tools/refslab tools/test tools/examples tools/python
# Those of section 3 are the library's.
pages := $(wildcard Documentation/man/*.[124-9])
# What brings and takes away its own.
part = $(MAKE) -s --no-print-directory -C tools/$(1) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
kbuild_variables := $(if $(V),V=$(V)) $(if $(REFSLAB_ANY_KERNEL),REFSLAB_ANY_KERNEL=$(REFSLAB_ANY_KERNEL))

module: headers
	@$(vm)/build-module --kdir $(KDIR) --dir $(KERNELRELEASE) $(kbuild_variables)
	@echo "built build/modules/$(KERNELRELEASE)/refslab.ko"

headers:
	@$(vm)/headers $(KDIR) $(KERNELRELEASE)

# Debian's kernels ask for modules to be signed with a key that only Debian has. Tests and examples are not built here,
# nor what they need asked for.
install: programs := tools/librefslab tools/refslab tools/python
install: module tools
	@$(MAKE) -s -C $(KDIR) M=$(module) $(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) INSTALL_MOD_DIR=updates \
		CONFIG_MODULE_SIG_ALL= modules_install
	$(if $(DESTDIR),,depmod -a $(KERNELRELEASE))
	install -D -m 755 $(build)/tools/refslab $(DESTDIR)$(PREFIX)/bin/refslab
	install -D -m 644 tools/refslab/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/refslab
	@$(call part,librefslab) install
	@$(call part,python) install
	@for page in $(pages); do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit; \
	done

uninstall:
	rm -f $(DESTDIR)/lib/modules/$(KERNELRELEASE)/updates/refslab.ko*
	$(if $(DESTDIR),,depmod -a $(KERNELRELEASE))
	rm -f $(DESTDIR)$(PREFIX)/bin/refslab $(DESTDIR)$(PREFIX)/share/bash-completion/completions/refslab
	@$(call part,librefslab) uninstall
	@$(call part,python) uninstall
	rm -f $(foreach page,$(pages),\
		$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))

# One at a time: tests of two guests begin by it.
tools:
	@mkdir -p $(build)
	@exec 9>$(build)/tools.lock && flock 9 && $(foreach program,$(programs),$(MAKE) $(if $(V),,-s) --no-print-directory -C $(program) &&) true

demo: guest tools
	@GUEST=$(GUEST) tools/demo/demo

shell: guest tools
	@echo "The guest $(GUEST) with refslab loaded; exit ends it."
	@$(vm)/run --guest $(GUEST) --load --interactive --name shell --add $(build)/tools/refslab

guest:
	@$(vm)/setup --quiet $(GUEST)

setup:
	@$(vm)/setup

check:
	@$(vm)/test check

model:
	@$(vm)/setup --quiet --only-packages
	@tools/model/run $(ONLY)

bench:
	@tools/bench/run $(ONLY)

bench-table:
	@tools/bench/report --table $(build)/bench

bench-doc:
	@tools/bench/report --rst Documentation/benchmarks.rst $(build)/bench

test:
	@$(vm)/test

test-all:
	@$(vm)/test --all

soak:
	@$(vm)/soak $(KERNEL) $(HOURS)

kunit:
	@$(vm)/test kunit

# Debian's cloud kernels cannot be made to freeze.
storm: storm-$(GUEST)
	@$(if $(filter-out 6.12 6.1 %-cloud,$(GUEST))$(ONLY),:,REFSLAB_ONLY=freeze $(vm)/test storm-$(firstword $(subst -, ,$(GUEST)))-amd64)

storm-%:
	@REFSLAB_ONLY=$(ONLY) $(vm)/test $@

# of a guest: make test-6.1, make torture-kcsan
test-%:
	@$(vm)/test $*

torture-%:
	@REFSLAB_SECONDS=$(SECONDS) $(vm)/test $@

fuzz-%:
	@REFSLAB_SEED=$(SEED) REFSLAB_SECONDS=$(DURATION) $(vm)/test $@

fuzz:
	@$(vm)/setup --quiet $(KERNEL)
	@REFSLAB_SEED=$(SEED) REFSLAB_SECONDS=$(DURATION) $(vm)/fuzz $(KERNEL) $(OPTIONS)

planted:
	@$(vm)/setup --quiet uml-debug debug
	@REFSLAB_SEED=$(SEED) REFSLAB_SECONDS=$(DURATION) $(vm)/planted

planted-kmsan:
	@$(vm)/setup --quiet kmsan
	@REFSLAB_SEED=$(SEED) REFSLAB_SECONDS=$(DURATION) $(vm)/planted --kmsan

delays-%:
	@REFSLAB_SECONDS=$(SECONDS) $(vm)/test $@

clean:
	rm -rf build

help:
	@sed -nE 's/^#: ?//p' Makefile
#: refslab, typed object heaps for the Linux kernel
#:
#:   make              build the module for the running kernel, or that of KDIR=
#:   make install      the same, and install it, the refslab command, the library,
#:                     the Python client, manual pages and completion
#:   make uninstall    take them away again
#:   make tools        build the library, the refslab command, examples and test programs
#:
#: In a virtual machine, nothing to install but packages:
#:   make demo         see it work
#:   make shell        a shell with the module loaded (GUEST=6.1, debug, ...)
#:   make test         all checks and tests; ends with "N passed, N failed"
#:   make test-all     the same, on all flavours of Debian's kernels: amd64, cloud, rt; and a tenth of the storms
#:   make check        style, compiler warnings, sparse, documentation comments
#:   make kunit        the KUnit suites on the debug kernel
#:   make test-6.12    the user-space tests on one kernel: 6.12, 6.1, debug, kmsan, 6.12-rt, ...
#:   make torture-debug  mutators beside sweeps, for SECONDS=40: on debug, kcsan, 6.12, ...
#:   make delays-6.12  the same with the windows of the protocol milliseconds wide
#:   make fuzz         calls of the device, right and wrong, until the kernel complains: for DURATION=30
#:                     seconds, from SEED= on, on KERNEL=debug or kcsan, kmsan, uml-debug (the fastest), 6.12, ...;
#:                     OPTIONS="--replay build/vm/fuzz-debug.kmsg" runs again what a run has run, and
#:                     OPTIONS="--first N --processes 1" what its process N did
#:   make planted      whether the fuzzer finds bugs that are put into the module for it: DURATION=60 for each;
#:                     make planted-kmsan: whether KMSAN finds those that use what is not initialised
#:   make storm        rude things very often: clients killed, the module reloaded, processors taken off, ...;
#:                     ONLY=kill,cpu: some of them; make storm-6.1-rt: on another kernel. Processes are frozen
#:                     on the amd64 flavour, since Debian's cloud kernels cannot
#:   make soak         torture and the fuzzer in turn for HOURS=4, with an eye on memory
#:   make bench        what things cost, beside SLUB, kref and language runtimes; ONLY=B1,B6: some figures
#:   make bench-table  its table again; make bench-doc writes it into Documentation/benchmarks.rst
#:   make model        every state of the sweep's protocol, by SPIN, and mutants that must fail; some forty
#:                     minutes. ONLY=--short, two; ONLY="base weak": some of them
#:   make setup        what these do first: packages, guest kernels (in REFSLAB_CACHE)
#:
#:   make clean        remove build/; what is in the cache stays
#:
#: Variables: KDIR=/usr/src/linux-headers-...  KERNELRELEASE=...  DESTDIR=  PREFIX=/usr/local
#:            V=1 (show commands)  GUEST=6.12  REFSLAB_CACHE=~/.cache/refslab  REFSLAB_ANY_KERNEL=1

.PHONY: module model headers install uninstall tools demo shell guest setup check bench bench-table bench-doc test test-all soak storm kunit fuzz planted planted-kmsan clean help
