# What there is to do here. CONTRIBUTING.md tells when to use which; "make help" lists them.

CACHE ?= $(or $(GANTRY_CACHE),$(HOME)/.cache/gantry)
LINT  := v2.15.0
VULN  := v1.9.0
NFPM  := v2.45.0
SBOM  := v1.10.0

lint := $(CACHE)/tools/golangci-lint-$(LINT)/golangci-lint
vuln := $(CACHE)/tools/govulncheck-$(VULN)/govulncheck
nfpm := $(CACHE)/tools/nfpm-$(NFPM)/nfpm
sbom := $(CACHE)/tools/cyclonedx-gomod-$(SBOM)/cyclonedx-gomod
run  := go run ./internal/testrun

LDFLAGS := -s -w $(if $(VERSION),-X main.release=$(VERSION))
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.DEFAULT_GOAL := build
.PHONY: build demo test full soak fuzz check lint race vuln cross release release-tools bench generate cover clean help

build: ## bin/gantry, for this machine; VERSION=1.2.3 for a release
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/gantry ./cmd/gantry

demo: build ## a topic, functions and an embedded broker in this terminal; nothing else needed
	bin/gantry demo

test: ## what a fresh machine can test, at most 20 minutes; INSTALL=1 (as root) also brings what is missing
	$(run) $(if $(PART),-part $(PART)) $(if $(LIMIT),-limit $(LIMIT)) test

full: ## every case on every Kafka version; resumes where it stopped; PART=e2e,fault AGAIN=1
	$(run) $(if $(PART),-part $(PART)) $(if $(AGAIN),-again) full

soak: ## the same properties for hours; PART=simulation AGAIN=1
	$(run) $(if $(PART),-part $(PART)) $(if $(AGAIN),-again) soak

fuzz: ## 30 processor minutes of made-up inputs for every fuzz target together; resumes; AGAIN=1
	$(run) $(if $(AGAIN),-again) fuzz

check: lint ## before every commit, 3 minutes: linters, house rules, unit tests under the race detector
	go vet ./...
	$(run) -part race test

lint: $(lint) ## the linters alone
	$(lint) run --allow-serial-runners ./...

race: ## every package test under the race detector
	$(run) -part race test

vuln: $(vuln) ## known vulnerabilities in what is called
	@said=$$($(vuln) ./... 2>&1); code=$$?; echo "$$said"; \
	case "$$code:$$said" in \
	  0:*) ;; \
	  *"fetching vulnerabilities: "*) \
	    echo "make vuln: SKIPPED, the vulnerability database could not be reached" ;; \
	  *) exit $$code ;; \
	esac

cross: ## the binary for every platform it is built for
	@set -e; for p in $(PLATFORMS); do \
	  echo "build $$p"; \
	  CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} go build -trimpath -o /dev/null ./cmd/gantry; \
	done

release: release-tools ## bin/release: static binaries in archives, deb, rpm, SBOM, checksums; VERSION=1.2.3 PLATFORM=linux/amd64
	go run ./internal/release -nfpm $(nfpm) -cyclonedx $(sbom) -out $(or $(OUT),bin/release) \
	  $(if $(VERSION),-version $(VERSION)) $(if $(PLATFORM),-platforms $(PLATFORM))

release-tools: $(nfpm) $(sbom)

bench: ## gantry, the floor loop and a raw consumer in one run on a real Kafka (docs/performance.md)
	GANTRY_TEST_KAFKA=1 GANTRY_BENCH=1 go test ./test/bench -count 1 -timeout 90m -v -run '$(or $(BENCH),.)'

generate: ## what is made from the code: go generate, and case files and documents under -update
	go generate ./...

cover: ## which lines the package tests reach: coverage.html
	go test -coverprofile coverage.out -coverpkg ./... $$(go list ./... | grep -v /test/)
	go tool cover -html coverage.out -o coverage.html
	@go tool cover -func coverage.out | tail -1

clean: ## what was built here; downloads stay in $(CACHE)
	rm -rf bin coverage.out coverage.html

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | expand -t 10

$(lint):
	GOBIN=$(dir $@) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT)

$(vuln):
	GOBIN=$(dir $@) go install golang.org/x/vuln/cmd/govulncheck@$(VULN)

$(nfpm):
	GOBIN=$(dir $@) go install github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM)

$(sbom):
	GOBIN=$(dir $@) go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(SBOM)
