"""What KubeMin-Cli's routes take, for the description of the API; what is read of it, `shared.dialect` says.

Keys may be spelled in any case, with or without underscores, and unknown ones are warned of.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.api import REASON_CHARACTERS


class _Body(BaseModel):
    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": True})


class SubStepBody(_Body):
    """A part of a step."""

    name: str = ""
    components: list[str] = []


class StepBody(SubStepBody):
    """A step of a workflow."""

    mode: Literal["StepByStep", "DAG"] = "StepByStep"
    sub_steps: list[SubStepBody] = []


class WorkflowBody(_Body):
    """Another order for an application's components."""

    workflow_id: str = ""
    """Of its one workflow; may be left out."""
    workflow: list[StepBody] = Field(min_length=1)


class ExecuteBody(_Body):
    """Which workflow is to be carried out."""

    workflow_id: str = Field(min_length=1)


class CancelBody(_Body):
    """Which task is to be cancelled."""

    task_id: str = Field(min_length=1)
    user: str = Field(default="", max_length=REASON_CHARACTERS)
    """Who asks, besides the token; told with the run, as `reason` is."""
    reason: str = Field(default="", max_length=REASON_CHARACTERS)


class VersionComponent(_Body):
    """What becomes of one component."""

    name: str = Field(min_length=1)
    action: Literal["update", "add", "remove"] = "update"
    image: str = ""
    replicas: int | None = None
    env: dict[str, str] = {}
    """Merged into what is there."""
    type: str = ""
    """Of one that is added, as are `properties` and `traits`."""
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}


class VersionBody(_Body):
    """A new version of an application."""

    version: str = Field(min_length=1)
    strategy: Literal["rolling", "recreate"] = "rolling"
    auto_exec: Literal[True] = True
    description: str = ""
    components: list[VersionComponent] = []


BODIES: tuple[type[BaseModel], ...] = (WorkflowBody, ExecuteBody, CancelBody, VersionBody)
