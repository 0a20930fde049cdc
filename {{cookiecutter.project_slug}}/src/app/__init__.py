"""A multi-agent service: LangGraph behind FastAPI. Read the rooms in the order of a request, see docs/architecture.md."""
