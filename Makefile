# Everything one does with this tree. `make help` lists the targets.

GO      ?= go
PREFIX  ?= /usr/local
DESTDIR ?=
CONFIG  ?=
SEEDS   ?= 0

PAGES    := $(notdir $(wildcard docs/man/*.[18]))
RACE     := ./internal/control ./internal/logging ./internal/server ./internal/netif ./internal/clock ./leases ./slowpath ./fastpath ./ha ./ha/sim ./bench/load ./bench/echo ./bench/flood ./bench/suite ./cmd/needletail
FUZZTIME ?= 20s

.DEFAULT_GOAL := help
.PHONY: help build deps generate test test-root fuzz bench bench-go soak lint check install uninstall demo run clean kernel

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the binaries into bin/
	@mkdir -p bin
	$(GO) build -trimpath -o bin/ ./cmd/...

deps: ## install the packages that tests and demo need (as root)
	@scripts/install-deps.sh test

kernel: ## say what this kernel lacks
	@scripts/check-kernel.sh

generate: ## compile the XDP program and its Go view (clang)
	@scripts/install-deps.sh generate
	$(GO) generate ./...

test: deps build ## run every test; as root also those with namespaces and real clients
	@scripts/check-kernel.sh
	@scripts/test.sh ./...

test-root: deps build ## the same, but refuse to run without root
	@[ "$$(id -u)" = 0 ] || { echo "make test-root: be root, or use make test, which skips what needs it"; exit 1; }
	@scripts/test.sh ./...

fuzz: ## run each fuzz target for FUZZTIME (default 20s)
	@FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

bench: deps build ## compare with the peers installed (as root, BENCH=flags), write docs/performance.md and report/
	@rm -f bench.jsonl
	@failed=0; \
	bin/needletail-bench compare --dir bin -o bench.jsonl $(BENCH) || failed=$$?; \
	[ ! -s bench.jsonl ] || bin/needletail-bench report --markdown docs/performance.md -o report bench.jsonl || failed=$$?; \
	exit $$failed

bench-go: ## Go benchmarks, then perfdhcp against needletail and Kea
	$(GO) test -run '^$$' -bench . -benchmem -benchtime 200ms ./...
	bench/perfdhcp.sh

soak: ## simulated clusters with new seeds, for an hour (SOAK=10m for less)
	NEEDLETAIL_SOAK=$(or $(SOAK),1h) $(GO) test -timeout 0 -run Soak -v ./ha/sim

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l bench bpf cmd fastpath ha internal leases slowpath); [ -z "$$unformatted" ] || { echo "gofmt -w these:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

check: lint ## lint, and the race detector over the packages with goroutines
	@scripts/install-deps.sh race
	$(GO) test -race -short -timeout 9m $(RACE)

KEA_NAME := $(DESTDIR)$(PREFIX)/sbin/kea-dhcp4
UNITS    := $(DESTDIR)$(PREFIX)/lib

install: build ## install into PREFIX (/usr/local): binaries, the name kea-dhcp4 beside them, unit, user, man pages
	@if [ -e $(KEA_NAME) ] && [ "$$(basename "$$(readlink $(KEA_NAME))")" != needletail ]; then \
		echo "make install: $(KEA_NAME) is there and not ours; another PREFIX, or dpkg-divert it first (docs/operating.md)"; exit 1; fi
	install -D -m 755 bin/needletail $(DESTDIR)$(PREFIX)/sbin/needletail
	ln -sf needletail $(KEA_NAME)
	install -D -m 755 bin/needletail-bench $(DESTDIR)$(PREFIX)/bin/needletail-bench
	install -d $(UNITS)/systemd/system
	sed 's|/usr/sbin/needletail|$(PREFIX)/sbin/needletail|' packaging/needletail.service >$(UNITS)/systemd/system/needletail.service
	chmod 644 $(UNITS)/systemd/system/needletail.service
	install -D -m 644 packaging/needletail.sysusers $(UNITS)/sysusers.d/needletail.conf
	for page in $(PAGES); do install -D -m 644 docs/man/$$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$page; done

uninstall: ## remove what install put there; leases, configuration and the user stay
	[ "$$(basename "$$(readlink $(KEA_NAME))")" != needletail ] || rm -f $(KEA_NAME)
	rm -f $(DESTDIR)$(PREFIX)/sbin/needletail $(DESTDIR)$(PREFIX)/bin/needletail-bench
	rm -f $(UNITS)/systemd/system/needletail.service $(UNITS)/sysusers.d/needletail.conf
	for page in $(PAGES); do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$page; done

demo: build ## the main job in namespaces, with real clients; leaves nothing behind
	@scripts/install-deps.sh clients
	@bin/needletail demo

run: build ## serve for real: make run CONFIG=/etc/kea/kea-dhcp4.conf
	@[ -n "$(CONFIG)" ] || { echo "make run: which configuration? make run CONFIG=file"; exit 2; }
	@exec bin/needletail serve -c $(CONFIG)

clean: ## remove bin/
	rm -rf bin
