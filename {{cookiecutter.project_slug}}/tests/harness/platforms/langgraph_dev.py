"""`langgraph dev` of the environment that runs this, on PORT, by the file in LANGGRAPH_CONFIG."""

import os
from importlib import import_module

if __name__ == "__main__":
    os.dup2(2, 1)  # the tests read one stream
    options = [
        "--no-browser",
        "--no-reload",
        "--port",
        os.environ["PORT"],
        "--config",
        os.environ["LANGGRAPH_CONFIG_FILE"],
    ]
    import_module("langgraph_cli.cli").cli(["dev", *options])
