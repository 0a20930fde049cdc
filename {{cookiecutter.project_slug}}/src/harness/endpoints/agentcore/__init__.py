"""The service as Bedrock AgentCore Runtime calls it."""
