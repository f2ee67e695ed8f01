"""The OAM Application as its author wrote it.

Source: https://github.com/oam-dev/spec/blob/master/7.application.md, as KubeVela's documents use it.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr, model_validator

from shared.contracts.identity import DNS_LABEL, DNS_SUBDOMAIN
from shared.contracts.naming import NAME_MAX

API_VERSION = "core.oam.dev/v1beta1"
KIND = "Application"

LabelName = Annotated[StrictStr, Field(pattern=DNS_LABEL)]
AppLabel = Annotated[StrictStr, Field(pattern=DNS_SUBDOMAIN, max_length=NAME_MAX)]
"""An application's name is also a label value."""
TypeName = Annotated[StrictStr, Field(min_length=1)]
WorkflowMode = Literal["DAG", "StepByStep"]


class _Part(BaseModel):
    """A part of the document: unknown keys are kept out (and warned of), a null counts as left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value


class Metadata(_Part):
    """Whose document it is."""

    name: AppLabel
    namespace: LabelName = "default"
    labels: dict[str, StrictStr] = Field(default_factory=dict)
    annotations: dict[str, StrictStr] = Field(default_factory=dict)


class TraitEntry(_Part):
    """A trait of a component."""

    type: TypeName
    properties: dict[str, Any] = Field(default_factory=dict)


class Component(_Part):
    """A component."""

    name: LabelName
    type: TypeName
    properties: dict[str, Any] = Field(default_factory=dict)
    traits: tuple[TraitEntry, ...] = ()
    depends_on: tuple[StrictStr, ...] = Field(default=(), alias="dependsOn")
    inputs: tuple[Any, ...] = ()
    outputs: tuple[Any, ...] = ()


class Policy(_Part):
    """A policy."""

    name: StrictStr = ""
    type: TypeName
    properties: dict[str, Any] = Field(default_factory=dict)


class StepInput(_Part):
    """What a step takes from another one."""

    from_: StrictStr = Field(alias="from")
    parameter_key: StrictStr = Field(default="", alias="parameterKey")


class StepOutput(_Part):
    """What a step leaves to others."""

    name: StrictStr
    value_from: StrictStr = Field(alias="valueFrom")


class StepMeta(_Part):
    """What people call a step."""

    alias: StrictStr = ""


class SubStep(_Part):
    """A step of a workflow, or of a group of steps."""

    name: StrictStr = ""
    type: TypeName
    properties: dict[str, Any] = Field(default_factory=dict)
    meta: StepMeta | None = None
    if_: StrictStr = Field(default="", alias="if")
    timeout: StrictStr | None = None
    depends_on: tuple[StrictStr, ...] = Field(default=(), alias="dependsOn")
    inputs: tuple[StepInput, ...] = ()
    outputs: tuple[StepOutput, ...] = ()


class Step(SubStep):
    """A step of a workflow; only a `step-group` has the rest."""

    mode: WorkflowMode | None = None
    sub_steps: tuple[SubStep, ...] = Field(default=(), alias="subSteps")


class WorkflowModes(_Part):
    """Whether steps go all at once or one after the other."""

    steps: WorkflowMode | None = None
    sub_steps: WorkflowMode | None = Field(default=None, alias="subSteps")


class WorkflowSpec(_Part):
    """Which steps are to be taken; without any it is what KubeVela does then."""

    mode: WorkflowModes | None = None
    ref: StrictStr = ""
    steps: tuple[Step, ...] = ()


class Spec(_Part):
    """What the application is made of."""

    components: tuple[Component, ...] = Field(min_length=1)
    policies: tuple[Policy, ...] = ()
    workflow: WorkflowSpec | None = None


class Application(_Part):
    """One application."""

    api_version: StrictStr = Field(alias="apiVersion")
    kind: StrictStr
    metadata: Metadata
    spec: Spec


def component_path(index: int) -> str:
    """Where the document has its n-th component."""
    return f"spec.components[{index}]"


def trait_path(component: int, trait: int) -> str:
    """Where the document has the n-th trait of a component."""
    return f"{component_path(component)}.traits[{trait}]"
