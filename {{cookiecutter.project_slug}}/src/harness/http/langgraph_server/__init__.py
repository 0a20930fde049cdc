"""The service on a LangGraph server (Agent Server): its threads and runs, over this service and its store."""
