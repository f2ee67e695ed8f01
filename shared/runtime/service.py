"""The life of a service: start, run its named tasks, stop in good order."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn, TypeVar

from aiohttp import web

from shared.errors import EXIT_FAILED, Fatal, KubeMinError
from shared.logging import configure, get_logger
from shared.metrics import Metrics
from shared.runtime.collector import spare_what_is_loaded
from shared.runtime.health import add_health, listening
from shared.runtime.settings import HttpSettings, load_settings, unknown
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

Task = Callable[[Stopping], Awaitable[None]]
"""Runs until the stop that it is handed is set, finishes what it holds, and returns."""

S = TypeVar("S", bound=HttpSettings)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_handler: ContextVar[Callable[[], None] | None] = ContextVar("signal_handler", default=None)


class TaskEnded(Fatal):
    """A task that should run for ever returned or raised; what it raised is in the log."""

    def __init__(self, task: str, how: str) -> None:
        self.task = task
        super().__init__(f"task {task} {how}")


def main(name: str, settings: type[S], run: Callable[[S], Awaitable[None]]) -> NoReturn:
    """Run a service as this process: load its settings, set up the logs, await `run(settings)`, exit.

    What we raise on purpose becomes one sentence on standard error and an exit code: 2 for a wrong setting, else 1.
    """
    try:
        loaded = load_settings(settings)
        configure(name, level=loaded.log_level)
        if ignored := unknown(settings):
            logger.warning("settings_unknown", variables=ignored)
        spare_what_is_loaded()
        asyncio.run(_until_signalled(run(loaded)))
    except Fatal as failure:
        _exit(name, failure, failure.exit_code)
    except KubeMinError as failure:
        _exit(name, failure, EXIT_FAILED)
    sys.exit(0)


async def serve(
    name: str,
    *,
    http: HttpSettings,
    tasks: Mapping[str, Task],
    ready: Callable[[], list[str]],
    stopping: Stopping | None = None,
    metrics: Metrics | None = None,
    app: web.Application | None = None,
) -> None:
    """Run the tasks and the HTTP server until a signal, a failure, or `stopping`; then stop in good order.

    `ready` returns the reasons why the service is not ready. `app` carries the service's own routes, if it has any.
    A stop gives the tasks `http.stop_grace_s` seconds to return before they are cancelled.

    Raises:
        Fatal: what broke: a task that ended, a lost bus, an address that is taken.

    """
    stop = stopping or Stopping()

    def reasons() -> list[str]:
        return [*ready(), *(["stopping"] if stop.is_set() else [])]

    application = app if app is not None else web.Application()
    add_health(application, ready=reasons, metrics=metrics or Metrics())
    with _signals(stop.request):
        async with listening(application, http):
            logger.info("service_started", service=name, tasks=sorted(tasks))
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(_guard(n, task, stop), name=n) for n, task in tasks.items()]
                group.create_task(_stop_all(running, stop, http.stop_grace_s), name="stop")
    logger.info("service_stopped", service=name)
    if stop.failure is not None:
        raise stop.failure


async def _guard(name: str, task: Task, stopping: Stopping) -> None:
    try:
        await task(stopping)
    except Fatal as failure:
        stopping.fail(failure)
    except Exception:
        logger.exception("task_failed", task=name)
        stopping.fail(TaskEnded(name, "failed"))
    else:
        if not stopping.is_set():
            stopping.fail(TaskEnded(name, "ended by itself"))


async def _stop_all(running: Collection[asyncio.Task[None]], stopping: Stopping, grace_s: float) -> None:
    await stopping.wait()
    logger.info("service_stopping", grace_s=grace_s, failure=str(stopping.failure or ""))
    if not running:
        return
    _, late = await asyncio.wait(running, timeout=grace_s)
    for task in late:
        logger.warning("task_cancelled", task=task.get_name())
        task.cancel()


async def _until_signalled(run: Awaitable[None]) -> None:
    # While a service starts there is nothing to finish; once it serves, it has handlers of its own.
    task: asyncio.Task[Any] | None = asyncio.current_task()
    asked = False

    def cancel() -> None:
        nonlocal asked
        asked = True
        if task is not None:
            task.cancel()

    with _signals(cancel):
        try:
            await run
        except asyncio.CancelledError:
            if not asked:
                raise


@contextmanager
def _signals(handler: Callable[[], None]) -> Iterator[None]:
    """Call the handler on SIGTERM and SIGINT within the scope, then the one of the scope around it."""
    loop = asyncio.get_running_loop()
    outer = _handler.get()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        loop.add_signal_handler(number, handler)
    token = _handler.set(handler)
    try:
        yield
    finally:
        _handler.reset(token)
        for number in _SIGNALS:
            if outer is not None:
                loop.add_signal_handler(number, outer)
            else:
                loop.remove_signal_handler(number)
                signal.signal(number, before[number])


def _exit(name: str, failure: KubeMinError, code: int) -> NoReturn:
    sys.stderr.write(f"kubemin-{name}: {failure}\n")
    sys.exit(code)
