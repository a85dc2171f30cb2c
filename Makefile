.DEFAULT_GOAL := help

# Each tool has a module to itself: in a common one, actionlint gets a YAML library from
# golangci-lint with which it does not compile.
GOLANGCI_LINT := go tool -modfile=$(CURDIR)/tools/golangci-lint/go.mod golangci-lint
ACTIONLINT := go tool -modfile=$(CURDIR)/tools/actionlint/go.mod actionlint
GOVULNCHECK := go tool -modfile=$(CURDIR)/tools/govulncheck/go.mod govulncheck

modules = $(sort $(patsubst %/go.mod,%,$(shell find $(1) -name go.mod -not -path '*/node_modules/*' 2>/dev/null)))
LIBRARY := . v5
NESTED := $(call modules,e2e example)
TOOLS := $(call modules,tools)

FUZZTIME ?= 30s
BENCH ?= .
BENCHTIME ?= 1s
SOAK ?= 10m
PEERS ?= 37
HISTORIES ?= 20000

# $(call in,DIRECTORIES,COMMAND) runs the command in each directory, up to the first failure.
in = @for dir in $(1); do echo "$$dir: $(2)"; (cd "$$dir" && $(2)) || exit; done

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: test
test: ## run the tests, in about a minute; needs nothing but Go
	$(call in,$(LIBRARY),go test ./...)

.PHONY: full
full: ## run the tests, leaving nothing out
	$(call in,$(LIBRARY),ECHOFIRESTORE_TESTS=full go test -timeout 30m ./...)

.PHONY: race
race: ## run the tests with the race detector, in random order
	$(call in,$(LIBRARY),go test -race -shuffle=on -timeout 30m ./...)

.PHONY: emulator
emulator: ## run the same tests on the official Firestore emulator (needs gcloud and Java)
	scripts/with-emulator.sh sh -c 'go test -race -shuffle=on -count=1 -timeout 40m ./... && \
		go test -count=1 -v -run "^TestReadsAreAnsweredAsByTheEmulator$$" ./firestoretest'

.PHONY: e2e
e2e: ## run the tests of the nested modules (browser, Python, demo, deployment)
	$(call in,$(filter-out e2e/browser,$(NESTED)),go test -count=1 ./...)
	cd e2e/browser && go test -count=1 -v .
	cd e2e && ../scripts/with-emulator.sh go test -count=1 -v ./python

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (30s; 10000x means that many inputs)
	FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

.PHONY: peers
peers: ## run the Go client's own tests on firestoretest and on the emulator; PEERS (37) must pass on both
	scripts/peers.sh $(PEERS)

.PHONY: soak
soak: ## run random histories of requests and faults for SOAK (10m), and look for leaks
	$(call in,$(LIBRARY),go test -run '^TestModel$$' -v -timeout 0 . -soak $(SOAK))
	go test -run '^TestModel$$' -v -timeout 0 ./firesession -soak $(SOAK)
	$(call in,$(LIBRARY),go test -run '^TestLeaks$$' -v -timeout 0 . -leaks 200000)
	go test -run '^TestLeaks$$' -v -timeout 0 ./firesession -leaks 200000

.PHONY: mutants
mutants: ## plant bugs, one at a time, and see random histories find each; HISTORIES (20000) must do
	go run ./internal/model/mutants -histories $(HISTORIES)

.PHONY: bench
bench: ## run the benchmarks that match BENCH (.) for BENCHTIME (1s) each
	$(call in,$(LIBRARY),go test -run '^$$' -bench '$(BENCH)' -benchmem -benchtime $(BENCHTIME) ./...)

.PHONY: rehearse
rehearse: ## release the modules to a copy of the repository, and build programs on them (needs the Go module proxy)
	scripts/rehearse.sh

.PHONY: lint
lint: ## run golangci-lint on every module, and actionlint on the workflows
	$(call in,$(LIBRARY) $(NESTED),$(GOLANGCI_LINT) run)
	$(ACTIONLINT)

.PHONY: vuln
vuln: ## look for known vulnerabilities in what each module calls (needs vuln.go.dev)
	$(call in,$(LIBRARY) $(NESTED),$(GOVULNCHECK) ./...)

.PHONY: fmt
fmt: ## format the Go files as lint wants them
	$(call in,$(LIBRARY) $(NESTED),$(GOLANGCI_LINT) fmt)

.PHONY: tidy
tidy: ## tidy go.mod and go.sum of every module
	$(call in,$(LIBRARY) $(NESTED) $(TOOLS),go mod tidy)

.PHONY: verify
verify: ## check that every module is tidy and its dependencies are what go.sum says
	$(call in,$(LIBRARY) $(NESTED) $(TOOLS),go mod tidy -diff && go mod verify)

.PHONY: ci
ci: ## run everything that CI runs, but vuln
	.ci/run
