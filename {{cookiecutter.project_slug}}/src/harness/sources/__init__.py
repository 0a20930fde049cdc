"""The outside: HTTP and files, each behind the allow-list of the agent that asks."""
