"""A2A 1.0: other teams' agents call this service as an agent, by tasks."""
