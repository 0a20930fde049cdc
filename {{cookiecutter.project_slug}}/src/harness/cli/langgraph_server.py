"""What `langgraph.json` names. Importing this makes the service; the server starts it with itself."""

from typing import Final

from ..application import Application
from ..http.langgraph_server.host import LangGraphHost

host: Final = LangGraphHost(Application.load())
app: Final = host.app
auth: Final = host.auth
graph: Final = host.graph
