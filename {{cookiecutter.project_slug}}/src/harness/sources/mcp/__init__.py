"""Tools of other services over the Model Context Protocol (MCP), used only as a person has reviewed them."""
