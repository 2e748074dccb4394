# The work is done in modules and scripts; every target sets up what it needs.
.PHONY: demo demo-up demo-feed demo-check demo-down test-long chaos soak bench bench-page test unit lint render new preflight verify replay rotate cost cost-page settings-table lock release clean help

# Keep byte code, whatever the caller has set: without it, each start compiles pulumi_aws again, which takes seconds.
unexport PYTHONDONTWRITEBYTECODE

# uv trusts the system's certificates, as pip does: its own list lacks that of a proxy that inspects TLS.
export UV_SYSTEM_CERTS ?= true

# What .venv is made with, if there is none yet. Empty: the newest of Python 3.11 to 3.13 that is found.
PYTHON ?=
RUN := .venv/bin/python
STACK ?= dev
OUT ?= rendered
N ?= 20000
COUNT ?= 1
MODE ?= standalone
MINUTES ?= 60
KEYS ?= kafka writer
# Tests at a time. Many wait: with six, two cores are idle for 8 % of the run, with eight for 2 %.
JOBS ?= 8

help:            ## What there is.
	@grep -E '^[a-z-]+: .*## |^[a-z-]+:  +## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 16

demo: .venv/ready        ## The whole chain on this machine: up, feed, check, down (COUNT=2: two VMs; COUNT=2 MODE=distributed: two VMs as a Connect cluster)
	$(RUN) -m local demo run --events $(N) --count $(COUNT) --mode $(MODE)

demo-up: .venv/ready     ## Brings the local stack up and leaves it running; then: . .local/env.sh (COUNT=, MODE= as for demo)
	$(RUN) -m local demo up --count $(COUNT) --mode $(MODE)

demo-feed: .venv/ready   ## Produces N events (N=20000).
	$(RUN) -m local demo feed --events $(N)

demo-check: .venv/ready  ## Compares Kafka, the bucket and Logz.io, event by event.
	$(RUN) -m local demo check

demo-down: .venv/ready   ## pulumi destroy, then the end of every server of the local stack.
	$(RUN) -m local demo down

test: .venv/ready        ## All tests, with the real parts, except those of make test-long (JOBS=4: less memory)
	$(RUN) -m local setup
	$(RUN) -m pytest -q -n $(JOBS) --dist loadscope --no-loadscope-reorder --durations=10

unit: .venv/ready        ## No engine, no network, no servers: seconds.
	$(RUN) -m pytest -q -n 2 tests/unit

lint: .venv/ready        ## ruff, mypy in strict mode, shellcheck, actionlint, zizmor.
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(RUN) -c "from local.base.system_packages import ensure; ensure(['shellcheck'])"
	git ls-files '*.sh' | xargs shellcheck
	$(RUN) -m tools.actionlint
	.venv/bin/zizmor --offline --quiet --persona=pedantic .github

test-long: .venv/ready   ## The tests that make test leaves out: the runbook on a running stack, a platform's way back, a short soak.
	$(RUN) -m local setup
	LONG=1 $(RUN) -m pytest -q --durations=10 tests/engine/test_runbook.py tests/engine/test_platform_upgrade.py tests/engine/test_soak.py

chaos: .venv/ready       ## Injects faults while events flow: what is lost, what comes twice, how long it takes (MODE=distributed: into a Connect cluster)
	$(RUN) -m local chaos --mode $(MODE)

soak: .venv/ready        ## Random faults and operations under an uneven load: make soak MINUTES=60 SEED=7 (MODE=distributed, REPLAY=<file>, SHRINK_MINUTES=30)
	$(RUN) -m local soak --minutes $(MINUTES) --mode $(MODE) $(if $(SEED),--seed $(SEED)) $(if $(REPLAY),--replay $(REPLAY)) \
	  $(if $(SHRINK_MINUTES),--shrink-minutes $(SHRINK_MINUTES))

bench: .venv/ready       ## Measures the article's settings, the defaults, and each default turned off: about an hour (ARGS="--only sink --events 5000 --rounds 1": minutes)
	$(RUN) -m local bench $(ARGS)

bench-page: .venv/ready  ## Writes the tables of the last `make bench` into docs/performance.md.
	$(RUN) -m local bench-page

render: .venv/ready      ## Writes every rendered file: make render STACK=dev OUT=<dir>
	$(RUN) -m scripts.render --stack $(STACK) --out $(OUT)

new: .venv/ready         ## Makes the stack file of a new stack, asks for what it needs: make new STACK=<stack> (AUDIT_LOG=<file or ->; YES=1 ARGS="--bucket ..." asks nothing)
	@$(RUN) -m scripts.new --stack $(STACK) $(if $(AUDIT_LOG),--audit-log $(AUDIT_LOG)) $(if $(YES),--yes) $(ARGS)

preflight: .venv/ready   ## Checks all that `pulumi up` needs before it is run: make preflight STACK=<stack> (DOWNLOAD=1, JSON=1)
	@$(RUN) -m scripts.preflight --stack $(STACK) $(if $(DOWNLOAD),--download) $(if $(JSON),--json)

verify: .venv/ready      ## Follows the events from Kafka to Logz.io, says where the way is broken: make verify STACK=<stack>; as a page, too: HTML=<file>
	@$(RUN) -m scripts.verify --stack $(STACK) $(if $(DAYS),--days $(DAYS)) $(if $(EVERY_EVENT),--every-event) \
	  $(if $(JSON),--json) $(if $(PUBLISH),--publish) $(if $(HTML),--html $(HTML))

replay: .venv/ready      ## Sends archived events to Logz.io: make replay STACK=<stack> UNREAD=1 (or FROM= TO=, OBJECTS=; DRY_RUN=1, FETCH_MINUTES=0)
	@$(RUN) -m scripts.replay --stack $(STACK) $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO)) \
	  $(if $(UNREAD),--unread) $(if $(DAYS),--days $(DAYS)) $(if $(OBJECTS),--objects "$(OBJECTS)") \
	  $(if $(FETCH_MINUTES),--fetch-minutes $(FETCH_MINUTES)) $(if $(DRY_RUN),--dry-run) $(if $(AGAIN),--again) $(if $(OVER_QUOTA),--over-quota) $(if $(YES),--yes)

rotate: .venv/ready      ## New keys, proof that events flow, the end of the old ones: make rotate KEYS="kafka writer" STACK=<stack>
	$(RUN) -m scripts.rotate $(KEYS) --stack $(STACK)

cost: .venv/ready        ## What a stack costs in a month: make cost STACK=<stack> (EVENTS_PER_SECOND= EVENT_BYTES= JSON=1)
	@$(RUN) -m scripts.cost --stack $(STACK) \
	  $(if $(EVENTS_PER_SECOND),--events-per-second $(EVENTS_PER_SECOND)) \
	  $(if $(EVENT_BYTES),--event-bytes $(EVENT_BYTES)) $(if $(LISTING_SECONDS),--listing-seconds $(LISTING_SECONDS)) \
	  $(if $(AGE_DAYS),--age-days $(AGE_DAYS)) $(if $(INSTANCE_USD),--instance-usd $(INSTANCE_USD)) \
	  $(if $(CONFLUENT_USD),--confluent-usd $(CONFLUENT_USD)) $(if $(JSON),--json)

cost-page: .venv/ready   ## Writes the tables of docs/cost.md anew.
	$(RUN) -m scripts.cost.page

settings-table: .venv/ready ## Writes the table of docs/settings.md anew.
	$(RUN) -m scripts.settings_table

# Each lock serves every supported Python: `--universal` keeps the conditions of packages as markers.
COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-header --upgrade

lock: .venv/ready        ## Pins every dependency at its newest version, with hashes; needs Go.
	$(COMPILE) --all-extras pyproject.toml --output-file requirements.lock
	$(COMPILE) --constraints requirements.lock pyproject.toml --output-file requirements.txt
	$(COMPILE) --group setup --output-file requirements-setup.lock
	$(COMPILE) --group go --output-file requirements-go.lock
	cd local/stack/engine && go get -tool github.com/pulumi/pulumi/pkg/v3/cmd/pulumi@latest && go mod tidy
	cd tools/actionlint && go get -tool github.com/rhysd/actionlint/cmd/actionlint@latest && go mod tidy

release: .venv/ready     ## Gives the changes since the last version one of their own: make release VERSION=0.2.0
	$(RUN) -m scripts.release $(VERSION)

clean:           ## Ends a local stack that was left, and removes what was made here.
	@if [ -x $(RUN) ]; then $(RUN) -m local demo clean; fi
	rm -rf .venv .local rendered

# The lock files hold hashes of everything; uv takes seconds where pip takes minutes.
.venv/ready: requirements.lock requirements-setup.lock
	@echo "- installing the pinned Python packages into .venv ..."
	@$(RUN) -c 'import uv' 2>/dev/null || \
	  { python=$$(sh scripts/find-python.sh $(PYTHON)) && "$$python" -m venv --clear .venv; }
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-setup.lock
	.venv/bin/uv pip sync --quiet --require-hashes --python $(RUN) requirements.lock requirements-setup.lock
	@touch $@
