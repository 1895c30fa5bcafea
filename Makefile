# The environment's tools come first on the path: Python, Node, the CDK's command.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
STAGES := local dev staging prod
PYTHON_PARTS := lambdas client infra local tests bench app.py

.PHONY: help demo dev down test prove bench bench-quick cost scale check lock
help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

demo: .venv/installed ## Start the local stack, show the product on it, and take it down
	@lead-memory demo

dev: .venv/installed ## The same, and the stack stays up for you to work with
	@lead-memory demo --stay

down: .venv/installed ## Stop the local stack and remove its state
	@lead-memory down

test: .venv/installed ## Run every test
	@echo "Running every test; those on the local stack take some minutes."
	@# On two cores: the tests on the local stack mostly wait.
	@python -m pytest --numprocesses 3

prove: .venv/installed ## Prove the promises at length, on a local stack of its own
	@python -m tests.prove

bench: .venv/installed ## Compare it with what it would be by hand, and write docs/benchmarks.md; more than ten minutes
	@python -m bench --write docs/benchmarks.md

bench-quick: .venv/installed ## The same ratios from fewer rounds, as one JSON object, in a minute
	@python -m bench --quick

cost: .venv/installed ## Count what it asks of AWS, and write docs/cost.md
	@python -m bench.cost

scale: .venv/installed ## Simulate a large load, and write docs/scale.md
	@python -m bench.scale

check: .venv/installed ## Check format, lint, types, import rules and templates
	@echo "Format";       ruff format --check .
	@echo "Lint";         ruff check .
	@echo "Types";        mypy $(PYTHON_PARTS)
	@echo "Import rules"; lint-imports
	@echo "Templates";    printf '%s\n' $(STAGES) | xargs -P 2 -I STAGE \
	    cdk synth --quiet --no-notices --context stage=STAGE --output build/templates/STAGE
	@echo "Their rules";  cfn-lint build/templates/*/*.template.json

lock: .venv/installed ## Pin what requirements/*.in ask for, with hashes; UPGRADE=--upgrade takes the newest
	@cd requirements && for input in *.in; do \
	    uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-header --no-annotate \
	        $(UPGRADE) --output-file "$${input%.in}.txt" "$$input" || exit 1; \
	done

.venv/installed: requirements/dev.txt requirements/uv.txt pyproject.toml .python-version bootstrap.sh
	@./bootstrap.sh
