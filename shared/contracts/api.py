"""Bodies of the HTTP API around the views; the gateway validates with them, CLI and console read them."""

from pydantic import Field

from shared.contracts.identity import RunId
from shared.contracts.model import Contract
from shared.contracts.plan import Finding
from shared.contracts.views import ApplicationSummary, ClusterView, RunSummary


class ApplyResult(Contract):
    """What became of an accepted document, or of a deletion."""

    application: ApplicationSummary
    run: RunId | None
    """The run to watch: the new one, or where nothing changed the last one."""
    changed: bool
    """A new generation was written."""
    warnings: tuple[Finding, ...] = ()


class ApplicationPage(Contract):
    """Applications, ordered by namespace and name."""

    items: tuple[ApplicationSummary, ...]
    continue_: str | None = Field(default=None, alias="continue")
    """To be sent for the next page; null: there is none."""


class RunPage(Contract):
    """An application's runs, the newest first."""

    items: tuple[RunSummary, ...]


class ClusterPage(Contract):
    """The registered clusters, by name."""

    items: tuple[ClusterView, ...]


class Problem(Contract):
    """Why a request was not answered as asked. Source: RFC 9457."""

    type: str
    """A URI that stands for the code."""
    title: str
    """The same for every problem of this type."""
    status: int
    detail: str = ""
    """What is wrong this time."""
    instance: str = ""
    """The path that was asked for."""
    code: str
    """Stable, CamelCase."""
    findings: tuple[Finding, ...] = ()
    """Everything that is wrong with a document."""
