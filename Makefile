# The front door. Every target is one call of tools/run.py, so without make: `python tools/run.py demo`.
PYTHON ?= $(shell python3.11 -c 'print("python3.11")' 2>/dev/null || echo python3)

.PHONY: demo new test bench guards
.DEFAULT_GOAL := demo

demo: ## Generates a project, starts it and asks it a question (PORT=8000).
	@$(PYTHON) tools/run.py demo

new: ## Asks the questions and generates a project (NEW_DIR=..).
	@$(PYTHON) tools/run.py new

test: ## Every check of the template.
	@$(PYTHON) tools/run.py test

bench: ## Time to generate, as a ratio.
	@$(PYTHON) tools/run.py nox -s bench

guards: ## What the guards find and refuse, measured.
	@$(PYTHON) tools/run.py nox -s guards
