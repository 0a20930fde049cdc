"""What LOG_FORMAT can name beside `json` and `console`: a module each, whose `FORMAT` is a `LogFormat`."""
