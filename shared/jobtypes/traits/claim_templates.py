"""`claim-templates`, an extension of ours: a volume of its own for each pod of a StatefulSet."""

from dataclasses import replace
from typing import Any

from pydantic import Field

from shared.contracts.plan import Manifest
from shared.jobtypes.base import Parameters, RenderContext, RenderError, Rendering, Trait
from shared.jobtypes.claims import ClaimFields, claim_spec
from shared.jobtypes.fields import NonEmpty, SubPath, VolumeName
from shared.jobtypes.objects import entries, group_kind, present
from shared.jobtypes.podpatch import PodSpec, add_device, add_mount, container_named, patched_pod


class ClaimTemplate(ClaimFields):
    """A volume of its own for each pod: the claim is called `<name>-<component>-<ordinal>`."""

    name: VolumeName
    """Name of the template and of the volume within the pod."""
    containerName: str = ""
    """Container that has it; the one of the component's name if left out."""
    mountPath: NonEmpty | None = None
    """Path within the container, of a block volume the path of the device; not mounted if left out."""
    subPath: SubPath | None = None
    """Path within the volume; its root if left out."""
    readOnly: bool = False
    """Mount it read-only."""


class ClaimTemplatesParameters(Parameters):
    """Volumes of which each pod of a StatefulSet has one of its own.

    They outlive the application. Kubernetes refuses any later change of the templates.
    """

    templates: list[ClaimTemplate] = Field(min_length=1)
    """The volumes."""


def apply(context: RenderContext, parameters: ClaimTemplatesParameters, rendering: Rendering) -> Rendering:
    """Add the templates and mount their volumes; raises RenderError where the workload is no StatefulSet."""
    workload = rendering.workload
    if workload is None or group_kind(workload) != ("apps", "StatefulSet"):
        what = "the component" if workload is None else f"a {workload['kind']}"
        message = f"{what} has no claim templates: only the pods of a StatefulSet have names of their own"
        raise RenderError("", "NoClaimTemplates", message, "Use storage with pvc, or the type statefulset")

    def patch(pod: PodSpec) -> None:
        for index, template in enumerate(parameters.templates):
            _mount(pod, template, context.component, f"templates[{index}]")

    patched = patched_pod(rendering, patch)
    return replace(patched, workload=_with_templates(patched.workload or {}, parameters))


def _mount(pod: PodSpec, template: ClaimTemplate, component: str, path: str) -> None:
    if any(volume.get("name") == template.name for volume in entries(pod, "volumes")):
        message = f"there is another volume {template.name!r} already"
        raise RenderError(f"{path}.name", "VolumeConflict", message, "Give one of them another name")
    if template.mountPath is None:
        return
    container = container_named(pod, template.containerName or component, f"{path}.containerName", init=True)
    if template.volumeMode == "Block":
        add_device(container, {"name": template.name, "devicePath": template.mountPath}, f"{path}.mountPath")
        return
    mount = present(
        name=template.name,
        mountPath=template.mountPath,
        subPath=template.subPath,
        readOnly=template.readOnly or None,
    )
    add_mount(container, mount, f"{path}.mountPath")


def _with_templates(workload: Manifest, parameters: ClaimTemplatesParameters) -> Manifest:
    templates: list[dict[str, Any]] = [*entries(workload["spec"], "volumeClaimTemplates")]
    known = {str((template.get("metadata") or {}).get("name")) for template in templates}
    for index, template in enumerate(parameters.templates):
        if template.name in known:
            message = f"there is a claim template {template.name!r} already"
            raise RenderError(f"templates[{index}].name", "VolumeConflict", message, "Give it another name")
        known.add(template.name)
        templates.append({"metadata": {"name": template.name}, "spec": claim_spec(template)})
    return {**workload, "spec": {**workload["spec"], "volumeClaimTemplates": templates}}


CLAIM_TEMPLATES = Trait(
    name="claim-templates",
    title="A volume of its own for each pod of a StatefulSet",
    parameters=ClaimTemplatesParameters,
    apply=apply,
    examples=(
        {"templates": [{"name": "data", "mountPath": "/var/lib/data", "resources": {"requests": {"storage": "10Gi"}}}]},
    ),
)
