"""Parked messages of the whole installation, also those whose subject names no tenant: straight from the bus."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from services.gateway.admin.output import Output, OutputOption, tell
from shared.runtime.settings import BusSettings, load_settings

if TYPE_CHECKING:
    from services.gateway.adapters.parked import BusParked

T = TypeVar("T")

app = typer.Typer(
    help="Messages that could not be taken. Reads KUBEMIN_NATS_CREDENTIALS_FILE: that of the user `admin`.",
    no_args_is_help=True,
)
Number = Annotated[int, typer.Argument(min=1, help="As `list` shows it.")]


@app.command("list")
def list_parked(output: OutputOption = Output.TEXT) -> None:
    """List all of them, the oldest first."""

    async def read(store: "BusParked") -> list[tuple[str, dict[str, object]]]:
        found = []
        async for held in store.held(after=0):
            summary = held.view.summary().model_dump(mode="json")
            found.append((held.tenant or "", summary))
        return found

    found = _with_parked(read)
    shown = ("sequence", "consumer", "reason", "subject", "message")
    rows = ["\t".join(str(summary[field]) for field in shown) for _, summary in found]
    tell(output, "\n".join(rows), [{**summary, "tenant": tenant or None} for tenant, summary in found])


@app.command("show")
def show_parked(number: Number) -> None:
    """Show one as JSON, its payload in base64."""
    held = _with_parked(lambda store: store.find(number))
    value = {**held.view.model_dump(mode="json"), "tenant": held.tenant}
    tell(Output.JSON, "", value)


@app.command("replay")
def replay_parked(number: Number, output: OutputOption = Output.TEXT) -> None:
    """Have its consumer take it again."""
    result = _with_parked(lambda store: store.replay(number))
    told = " ".join(part for part in (f"{number}: {result.outcome}", result.reason, result.message) if part)
    tell(output, told, result.model_dump(mode="json"))
    if result.outcome != "handled":
        raise typer.Exit(1)


@app.command("drop")
def drop_parked(number: Number, output: OutputOption = Output.TEXT) -> None:
    """Remove it for good."""
    _with_parked(lambda store: store.drop(number))
    tell(output, f"parked message {number} is dropped", {"sequence": number})


def _with_parked(use: Callable[["BusParked"], Awaitable[T]]) -> T:
    # The bus takes half of the time that it takes to load everything, and the other commands do without.
    from services.gateway.adapters.parked import BusParked  # noqa: PLC0415 - see above
    from shared.bus.connection import Bus  # noqa: PLC0415 - see above

    async def run() -> T:
        settings = load_settings(BusSettings)
        bus = await Bus.connect(settings, source=f"kubemin/admin/{uuid.uuid4().hex[:8]}", on_closed=lambda: None)
        try:
            return await use(BusParked(bus))
        finally:
            await bus.close()

    return asyncio.run(run())
