"""One run: admit, plan, work side by side, write, audit."""
