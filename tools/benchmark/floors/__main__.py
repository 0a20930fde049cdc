"""``python -m floors agents 8001 --store sqlite:///path``: one floor on bare FastAPI, one worker."""

import argparse
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI
from langgraph.checkpoint.base import BaseCheckpointSaver
from pydantic import BaseModel

SQLITE = "sqlite:///"


class Question(BaseModel):
    """The same request as the service's."""

    message: str
    thread_id: str | None = None


async def open_store(url: str, opened: AsyncExitStack) -> BaseCheckpointSaver[Any] | None:
    """The default saver of LangGraph for ``url``, as its documentation opens it; None for no address."""
    if not url:
        return None
    if url.startswith(SQLITE):
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        return await opened.enter_async_context(AsyncSqliteSaver.from_conn_string(url.removeprefix(SQLITE)))
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool

    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    pool = AsyncConnectionPool(url, max_size=10, open=False, kwargs=options)
    saver = AsyncPostgresSaver(await opened.enter_async_context(pool))
    await saver.setup()
    return saver


def create_app(floor: str, store: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if floor == "agents":
            from .agents import build
        else:
            from .graph import build
        async with AsyncExitStack() as opened:
            app.state.graph = build(await open_store(store, opened))
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/v1/chat")
    async def ask(question: Question) -> dict[str, Any]:
        thread_id = question.thread_id or uuid4().hex
        config = {"configurable": {"thread_id": thread_id}}
        state = await app.state.graph.ainvoke({"question": question.message}, config)
        return {"answer": state["answer"], "outcomes": state.get("outcomes", []), "thread_id": thread_id}

    return app


def main() -> None:
    parser = argparse.ArgumentParser(prog="floors")
    parser.add_argument("floor", choices=["graph", "agents"])
    parser.add_argument("port", type=int)
    parser.add_argument("--store", default="", help="sqlite:///PATH, postgresql://..., or none")
    chosen = parser.parse_args()
    app = create_app(chosen.floor, chosen.store)
    uvicorn.run(app, host="127.0.0.1", port=chosen.port, log_level="warning", access_log=False)


main()
