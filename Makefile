# What CI runs is .ci/run; these are the steps one by one.

GO ?= go

.PHONY: build man release test vet lint race fuzz trails scenarios ci

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/trailblame ./cmd/trailblame

# Manual pages into man/.
man:
	$(GO) run ./cmd/trailblame man man

# Static binaries for every platform with their sums, the same bytes from the same
# sources and the same Go, wherever they are built.
VERSION ?= $(shell git describe --tags --always --dirty)
PLATFORMS = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
release:
	rm -rf dist && mkdir dist
	@for p in $(PLATFORMS); do \
		os=$${p%/*} arch=$${p#*/} ext=; [ $$os = windows ] && ext=.exe; \
		echo $$p; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch GOAMD64=v1 GOARM64=v8.0 GOFLAGS= $(GO) build -trimpath -buildvcs=false \
			-ldflags '-s -w -buildid= -X main.version=$(VERSION)' \
			-o dist/trailblame_$(VERSION)_$${os}_$$arch$$ext ./cmd/trailblame || exit 1; \
	done
	cd dist && sha256sum trailblame_* > SHA256SUMS

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
