"""The pod that all built-in workloads share: its parameters and its template."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import Parameters, RenderContext, RenderError
from shared.jobtypes.fields import (
    Annotations,
    DataKey,
    Deprecated,
    HostName,
    IpAddress,
    Labels,
    NonEmpty,
    ObjectName,
    PodField,
    PullPolicy,
    Quantity,
    VariableName,
)
from shared.jobtypes.objects import present
from shared.jobtypes.volumes import PodVolumes, Volume


class PassedOn(Parameters):
    """Keys that are not listed here are passed on to Kubernetes as they are."""

    model_config = ConfigDict(extra="allow")


class KeySelector(PassedOn):
    """A key of a ConfigMap or Secret in the application's namespace."""

    name: ObjectName
    """Name of the ConfigMap or Secret."""
    key: DataKey
    """Key in its data."""


class FieldSelector(PassedOn):
    """A field of the pod."""

    fieldPath: PodField
    """Path to it, such as `status.podIP`."""


class EnvSource(PassedOn):
    """Where a variable takes its value from; `resourceFieldRef` and the like are Kubernetes' own."""

    fieldRef: FieldSelector | None = None
    """A field of the pod."""
    secretKeyRef: KeySelector | None = None
    """A key of a Secret."""
    configMapKeyRef: KeySelector | None = None
    """A key of a ConfigMap."""


class EnvVar(PassedOn):
    """An environment variable."""

    name: VariableName
    """Name of the variable."""
    value: str | None = None
    """Its value; `$(OTHER)` is replaced by Kubernetes."""
    valueFrom: EnvSource | None = None
    """A source of its value, instead of `value`."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.valueFrom is None:
            return self
        if self.value:
            raise PydanticCustomError("two_forms", "beside value there can be no valueFrom")
        if len(self.valueFrom.model_dump(exclude_unset=True)) != 1:
            raise PydanticCustomError("two_forms", "valueFrom needs exactly one source")
        return self


class HostAlias(Parameters):
    """A line of the pod's hosts file."""

    ip: IpAddress
    """Address."""
    hostnames: list[HostName]
    """Names for it."""


class PodParameters(Parameters):
    """What every built-in workload takes."""

    image: NonEmpty
    """Image of the container."""
    imagePullSecrets: list[str] | None = None
    """Names of Secrets to pull the image with."""
    cmd: list[str] | None = None
    """Command to run instead of the image's entrypoint."""
    env: list[EnvVar] | None = None
    """Environment variables; of two with one name the later counts."""
    cpu: Quantity | None = None
    """CPU request and limit, such as `500m`."""
    memory: Quantity | None = None
    """Memory request and limit, such as `512Mi`."""
    volumes: Annotated[list[Volume] | None, Deprecated("volumeMounts")] = None
    """Older spelling of `volumeMounts`, which wins where both are given."""


class LabelledPodParameters(PodParameters):
    """What all of them but the worker take besides."""

    labels: Labels | None = None
    """Labels of the pods."""
    annotations: Annotations | None = None
    """Annotations of the pods."""
    imagePullPolicy: PullPolicy | None = None
    """When the image is pulled; Kubernetes' default if left out."""


def pod_template(
    context: RenderContext,
    parameters: PodParameters,
    volumes: PodVolumes,
    *,
    container: Mapping[str, Any],
    pod: Mapping[str, Any],
) -> dict[str, Any]:
    """Render a pod of one container that is named as the component; `container` and `pod` add fields, None ones apart.

    Raises RenderError where labels contradict the selector.
    """
    own = present(
        name=context.component,
        image=parameters.image,
        command=parameters.cmd,
        env=rendered_env(parameters.env),
        resources=_resources(parameters),
        volumeMounts=volumes.mounts or None,
    )
    spec = present(
        imagePullSecrets=parameters.imagePullSecrets
        and [{"name": name} for name in dict.fromkeys(parameters.imagePullSecrets)],
        volumes=volumes.volumes or None,
    )
    return {
        "metadata": _metadata(context, parameters),
        "spec": {"containers": [own | present(**container)], **spec, **present(**pod)},
    }


def rendered_env(env: Iterable[EnvVar] | None) -> list[dict[str, Any]] | None:
    """Render variables; of two with one name the later stays, as Kubernetes would have it.

    Server-side apply refuses a list with the same key twice.
    """
    if env is None:
        return None
    by_name: dict[str, dict[str, Any]] = {}
    for variable in env:
        by_name.pop(variable.name, None)
        by_name[variable.name] = variable.model_dump(mode="json", exclude_unset=True)
    return list(by_name.values())


def rendered_host_aliases(aliases: Iterable[HostAlias] | None) -> list[dict[str, Any]] | None:
    """Render hosts lines, one for each address."""
    if aliases is None:
        return None
    by_ip: dict[str, dict[str, None]] = {}
    for alias in aliases:
        by_ip.setdefault(alias.ip, {}).update(dict.fromkeys(alias.hostnames))
    return [{"ip": ip, "hostnames": list(hostnames)} for ip, hostnames in by_ip.items()]


def _resources(parameters: PodParameters) -> dict[str, dict[str, str]] | None:
    amounts = present(cpu=parameters.cpu, memory=parameters.memory)
    return {"requests": dict(amounts), "limits": dict(amounts)} if amounts else None


def _metadata(context: RenderContext, parameters: PodParameters) -> dict[str, Any]:
    if not isinstance(parameters, LabelledPodParameters):
        return {"labels": context.selector}
    labels = dict(parameters.labels or {})
    for name, value in context.selector.items():
        if labels.setdefault(name, value) != value:
            raise RenderError(
                f'labels["{name}"]',
                "LabelReserved",
                f"the label {name} is {value!r}: the component selects its pods by it",
                "Leave the label out or use another name",
            )
    return {"labels": labels, **present(annotations=parameters.annotations)}
