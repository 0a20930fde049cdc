"""What it tells: structured logs, with secrets taken out in one place."""
