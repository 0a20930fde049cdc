"""The agents as tools of the Model Context Protocol, over HTTP and over a pipe."""
