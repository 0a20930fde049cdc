"""What the generated service is measured against. Runs in the generated project's environment."""
