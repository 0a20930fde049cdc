"""How synchronous code in a worker thread gets what only the event loop can give it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def wait_for(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    """The result of `work`, done by `loop` with the caller's context; the calling thread waits for it.

    Raises:
        RuntimeError: The caller is in `loop` itself, which would wait for itself forever.
    """
    try:
        is_inside = asyncio.get_running_loop() is loop
    except RuntimeError:
        is_inside = False
    if is_inside:
        work.close()
        raise RuntimeError("called in the event loop: await the asynchronous method of the same name")
    return asyncio.run_coroutine_threadsafe(work, loop).result()
