"""The service as clients of OpenAI's chat completions know it."""
