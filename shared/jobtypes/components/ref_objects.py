"""`ref-objects`: copies of objects that live in a cluster already."""

from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import JobType, nothing_rendered
from shared.jobtypes.fields import NonEmpty
from shared.jobtypes.probes import Closed
from shared.jobtypes.rules import rule_for


class ObjectReference(Closed):
    """Objects of one kind."""

    resource: NonEmpty
    """Kind in the plural and in lower case, such as `configmaps`."""
    group: str = ""
    """API group; the core group if left out."""
    name: NonEmpty | None = None
    """Name of the object; the component's if left out."""
    labelSelector: dict[str, str] | None = None
    """Labels of the objects, instead of a name."""
    namespace: NonEmpty | None = None
    """Where they are; the application's namespace if left out."""
    cluster: NonEmpty = "local"
    """Where they are read."""

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Self:
        if self.name is not None and self.labelSelector is not None:
            raise PydanticCustomError("two_forms", "beside labelSelector there can be no name")
        return self


class RefObjectsParameters(Closed):
    """Objects to copy, as they are when the application is changed."""

    objects: list[ObjectReference] = Field(default_factory=list)
    """Objects to read in a cluster."""
    urls: list[NonEmpty] = Field(default_factory=list)
    """Documents with objects to fetch."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.objects and not self.urls:
            raise PydanticCustomError("missing", "objects or urls is needed")
        return self


REF_OBJECTS = JobType(
    name="ref-objects",
    title="Copies of objects that live in a cluster already",
    parameters=RefObjectsParameters,
    render=nothing_rendered,
    kinds=frozenset({"*"}),
    completion=rule_for,
    verbatim=True,
    refusal="copying live objects needs a read of the cluster, which a later version does: write them as k8s-objects",
    examples=({"objects": [{"resource": "configmaps", "name": "settings"}]},),
)
