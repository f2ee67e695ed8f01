"""`ref-objects`: copies of objects that live in a cluster already, or are at a web address."""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.identity import Label, Namespace, ObjectKey
from shared.contracts.reads import ADDRESSES_LIMIT, OBJECTS_LIMIT, ObjectQuery
from shared.jobtypes.base import Fetched, JobType, RenderContext, RenderError, Rendering, Sought
from shared.jobtypes.fields import Labels, NonEmpty
from shared.jobtypes.probes import Closed
from shared.jobtypes.rules import rule_for
from shared.jobtypes.verbatim import verbatim

_NAME = "ref-objects"
_ResourceName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=253)]
_Group = Annotated[str, Field(pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", max_length=253)]


class ObjectReference(Closed):
    """Objects of one kind."""

    resource: _ResourceName
    """Kind in the plural and in lower case, such as `configmaps`."""
    group: _Group = ""
    """API group; the core group if left out."""
    name: NonEmpty | None = None
    """Name of the object; the component's if left out."""
    labelSelector: Labels | None = None
    """Labels of the objects, instead of a name; `{}` means all of them."""
    namespace: Label | None = None
    """Where they are: a namespace of the same tenant; the application's if left out."""
    cluster: NonEmpty = "local"
    """Where they are read; `local` is the default cluster."""

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Self:
        if self.name is not None and self.labelSelector is not None:
            raise PydanticCustomError("two_forms", "beside labelSelector there can be no name")
        return self


class RefObjectsParameters(Closed):
    """Objects that live in a cluster or are at a web address, copied to where the application goes.

    They are read when the application is changed, as the account of the tenant in their namespace, and kept with that
    generation: sent again, the document takes over what they have become meanwhile.

    What belongs to their cluster is not copied: status, uid, owners, finalizers, cluster IPs and node ports, and what
    platforms note in labels and annotations. The values of Secrets leave it sealed for the clusters that they go to,
    without any annotations, in which tools repeat values; tokens of service accounts stay where they are.

    At most 100 objects and 1 MiB are read in one cluster. An object that is not there refuses the document; a selector
    that finds none is a warning.

    `urls` are fetched by the gateway, at the same moment and only from where its operator allows: YAML or JSON with one
    or several objects, `List` included, 100 and 1 MiB at most over all addresses. Secrets among them are refused.
    """

    objects: list[ObjectReference] = Field(default_factory=list, max_length=OBJECTS_LIMIT)
    """Objects to read in a cluster; traits patch the first."""
    urls: list[NonEmpty] = Field(default_factory=list, max_length=ADDRESSES_LIMIT)
    """Files with objects to fetch, by https; they come after `objects`."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.objects and not self.urls:
            raise PydanticCustomError("missing", "objects or urls is needed")
        return self


def seeks(context: RenderContext, parameters: RefObjectsParameters) -> Iterator[Sought | Fetched]:
    """Ask for each of the references, then for each address."""
    for index, reference in enumerate(parameters.objects):
        labels = reference.labelSelector
        query = ObjectQuery(
            job_type=_NAME,
            resource=reference.resource,
            group=reference.group,
            namespace=Namespace(reference.namespace or context.namespace),
            name=(reference.name or context.component) if labels is None else "",
            selector=",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())),
        )
        yield Sought(path=f"objects[{index}]", cluster=reference.cluster, query=query)
    for index, url in enumerate(parameters.urls):
        yield Fetched(path=f"urls[{index}]", url=url)


def render(context: RenderContext, parameters: RefObjectsParameters) -> Rendering:
    """Take what was read as it is.

    Raises RenderError where nothing was read, or two of the objects have one name.
    """
    place = "objects" if parameters.objects else "urls"
    if context.copies is None:
        raise RenderError(
            place, "ObjectsNotRead", "the objects to copy were not read", "Apply the document again, to read them"
        )
    by_key: dict[ObjectKey, dict[str, Any]] = {}
    for copy in context.copies:
        manifest = verbatim(context, copy, path=place, name="")
        key = ObjectKey.of(manifest)
        if by_key.setdefault(key, manifest) is not manifest:
            message = f"{key} would be a copy of two objects"
            raise RenderError(place, "ObjectNotUnique", message, "Leave one of them out")
    if not by_key:
        message = "no object was found, so there is nothing to copy"
        raise RenderError(place, "ReferenceNotFound", message, "Correct the labelSelector")
    workload, *others = by_key.values()
    return Rendering(workload=workload, others=tuple(others))


REF_OBJECTS = JobType(
    name=_NAME,
    title="Copies of objects that live in a cluster already, or are at a web address",
    parameters=RefObjectsParameters,
    render=render,
    seeks=seeks,
    kinds=frozenset({"*"}),
    completion=rule_for,
    verbatim=True,
    examples=(
        {"objects": [{"resource": "configmaps", "name": "settings"}]},
        {"urls": ["https://example.com/manifests/settings.yaml"]},
        {
            "objects": [
                {"resource": "deployments", "group": "apps", "name": "shop", "cluster": "dev"},
                {"resource": "secrets", "labelSelector": {"app": "shop"}, "namespace": "demo", "cluster": "dev"},
            ]
        },
    ),
)
