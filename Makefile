# What CI runs is .ci/run; these are the steps one by one.

GO ?= go

.PHONY: build test vet lint race fuzz trails scenarios ci

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/trailblame ./cmd/trailblame

test:
	$(GO) test ./...

vet:
	$(GO) vet ./...

lint:
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.6.2 run ./...

race:
	$(GO) test -race ./ingest/... ./index/... ./query/...

# A short run of every fuzz target; FUZZTIME=10m for a long one.
FUZZTIME ?= 10s
fuzz:
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

# Make the bundled trails again; they must come out as they are.
trails:
	$(GO) run ./bench/trailgen bundled -out testdata/trails

# Hold what correlate finds in 600 labelled trails against the truth, and write
# the table into bench/README.md.
scenarios:
	$(GO) run ./bench/trailgen score -n 600 -seed 9 -write

ci:
	bash .ci/run
