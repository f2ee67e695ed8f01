"""What has to be read in clusters, or fetched, before an application can be planned."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.contracts.identity import AppRef, AppUid, Namespace, Tenant
from shared.contracts.plan import Finding
from shared.contracts.reads import ObjectQuery
from shared.jobtypes.base import Fetched, JobType, Registry, RenderContext
from shared.planning.composing import Given, given
from shared.planning.document import Application, Component
from shared.planning.lookup import find_type
from shared.planning.parameters import validate
from shared.planning.policies import composed, declared


@dataclass(frozen=True, kw_only=True)
class _Sought:
    """Something that a component is made of and that is elsewhere."""

    component: str
    given: Given
    path: str
    """Where the component names it; `finding` knows where the document does."""

    def finding(self, code: str, message: str, remedy: str = "", *, field: str = "") -> Finding:
        """Something to tell of it, or of one of its fields."""
        path = f"{self.path}.{field}" if field else self.path
        return self.given.located(Finding(path=path, code=code, message=message, remedy=remedy))


@dataclass(frozen=True, kw_only=True)
class SoughtObjects(_Sought):
    """One question of a component for objects that live in a cluster."""

    cluster: str
    """As the document names it."""
    query: ObjectQuery


@dataclass(frozen=True, kw_only=True)
class SoughtAddress(_Sought):
    """One address with objects of a component."""

    url: str
    """As the document has it."""


def objects_sought(app: Application, ref: AppRef, registry: Registry) -> list[SoughtObjects | SoughtAddress]:
    """Everything that components of a checked application seek, as policies have left them, in their order."""
    components = (given(index, component) for index, component in enumerate(app.spec.components))
    composition = composed(components, declared(app), registry)
    return [sought for one in composition.components for sought in _of(one, ref, registry)]


def seeks_objects(component: Component, registry: Registry) -> bool:
    """Whether a component can be rendered only with what was read for it."""
    job_type = find_type(registry.job_types, component.type)
    return job_type is not None and job_type.seeks is not None


def _of(one: Given, ref: AppRef, registry: Registry) -> Iterator[SoughtObjects | SoughtAddress]:
    component = one.component
    job_type: JobType[Any] | None = find_type(registry.job_types, component.type)
    if job_type is None or job_type.seeks is None:
        return
    properties = f"{one.path}.properties"
    parameters, _ = validate(job_type.parameters, component.properties, properties)
    if parameters is None:
        # Planning tells what is wrong with them.
        return
    context = RenderContext(
        tenant=Tenant(ref.tenant),
        namespace=Namespace(ref.namespace),
        app_name=ref.name,
        app_uid=AppUid(""),
        component=component.name,
        path=one.path,
    )
    for sought in job_type.seeks(context, parameters):
        path = f"{properties}.{sought.path}"
        if isinstance(sought, Fetched):
            yield SoughtAddress(component=component.name, given=one, path=path, url=sought.url)
        else:
            yield SoughtObjects(
                component=component.name, given=one, path=path, cluster=sought.cluster, query=sought.query
            )
