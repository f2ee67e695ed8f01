"""`nocalhost`: what the development tool of that name reads off the workload.

Source: https://nocalhost.dev/docs/config/config-overview-en/
"""

import json
from dataclasses import replace
from typing import Any

from pydantic import Field

from shared.jobtypes.base import Parameters, RenderContext, RenderError, Rendering, Trait
from shared.jobtypes.fields import NonEmpty, PortNumber
from shared.jobtypes.objects import present
from shared.jobtypes.own_service import join_port, made_name, own_service
from shared.jobtypes.traits.labels import with_metadata

_LANGUAGES = {"go": "golang", "java": "eclipse-temurin", "python": "python", "node": "node", "ruby": "ruby"}
"""The official image of each. KubeVela takes a vendor's own from one registry, which not every cluster can reach."""


class Commands(Parameters):
    """What the tool runs in the container."""

    run: list[str] = Field(default_factory=lambda: ["sh", "run.sh"])
    """To run the program."""
    debug: list[str] = Field(default_factory=lambda: ["sh", "debug.sh"])
    """To debug it."""


class Debugging(Parameters):
    """How a debugger connects."""

    remoteDebugPort: PortNumber | None = None
    """Port of the container."""


class Synchronisation(Parameters):
    """Which files go into the container."""

    type: str = "send"
    """`send` to it, or `sendreceive`."""
    filePattern: list[str] = Field(default_factory=lambda: ["./"])
    """Files that go."""
    ignoreFilePattern: list[str] = Field(default_factory=lambda: [".git", ".vscode", ".idea", ".gradle", "build"])
    """Files that do not."""


class Variable(Parameters):
    """An environment variable."""

    name: NonEmpty
    """Name of the variable."""
    value: str
    """Its value."""


class Directory(Parameters):
    """A directory that outlives the container."""

    path: str
    """Path in the container."""
    capacity: str
    """Size, such as `10Gi`."""


class Limits(Parameters):
    """Upper limits."""

    memory: str = "2Gi"
    """Memory."""
    cpu: str = "2"
    """CPUs."""


class Requests(Parameters):
    """What is reserved."""

    memory: str = "512Mi"
    """Memory."""
    cpu: str = "0.5"
    """CPUs."""


class DevelopmentResources(Parameters):
    """What the container requests and may use."""

    limits: Limits = Field(default_factory=Limits)
    """What may be used."""
    requests: Requests = Field(default_factory=Requests)
    """What is set aside."""


class NocalhostParameters(Parameters):
    """Lets developers work in the component's container with Nocalhost.

    Unlike in KubeVela the port joins the component's Service rather than replacing it.
    """

    port: PortNumber
    """Port of the component; its Service gets it."""
    serviceType: str | None = None
    """Kind of the workload in lower case; unlike in KubeVela (`deployment`) it is known if left out."""
    gitUrl: str | None = None
    """Repository of the sources."""
    image: NonEmpty
    """`go`, `java`, `python`, `node`, `ruby`, or an image to develop in."""
    shell: str = "bash"
    """Shell of that image."""
    workDir: str = "/home/nocalhost-dev"
    """Where the sources are in the container."""
    storageClass: str | None = None
    """Class of the volumes for `persistentVolumeDirs`."""
    command: Commands = Field(default_factory=Commands)
    """Commands to run and to debug the program."""
    debug: Debugging | None = None
    """For a debugger."""
    hotReload: bool = True
    """Whether the program is run anew when files change."""
    sync: Synchronisation = Field(default_factory=Synchronisation)
    """How files get there."""
    env: list[Variable] | None = None
    """Environment variables while developing."""
    portForward: list[str] | None = None
    """`<local>:<remote>` ports; that of the component if left out."""
    persistentVolumeDirs: list[Directory] | None = None
    """Directories that outlive the container."""
    resources: DevelopmentResources = Field(default_factory=DevelopmentResources)
    """Resources of that container."""


def apply(context: RenderContext, parameters: NocalhostParameters, rendering: Rendering) -> Rendering:
    """Add the port to the component's Service and the tool's annotations to its workload, not to the pods.

    Raises RenderError where the component has no workload, and where the Service has another such port.
    """
    if rendering.workload is None:
        raise RenderError("", "NoWorkload", "the component has no object for this trait to change", "Remove the trait")
    port = parameters.port
    service, rest = own_service(context, rendering)
    wanted = {"name": made_name(port), "port": port, "targetPort": port, "protocol": "TCP"}
    join_port(service, wanted, "port")
    configuration = {
        "name": context.component,
        "serviceType": parameters.serviceType or str(rendering.workload["kind"]).lower(),
        "containers": [{"name": context.component, "dev": _development(parameters)}],
    }
    noted: dict[str, str | None] = {
        "dev.nocalhost/application-name": context.app_name,
        "dev.nocalhost/application-namespace": context.namespace,
        "dev.nocalhost": json.dumps(configuration, ensure_ascii=False, separators=(",", ":")),
    }
    annotated = with_metadata(rest, "annotations", noted, pods=False)
    return replace(annotated, others=(*annotated.others, service))


def _development(parameters: NocalhostParameters) -> dict[str, Any]:
    language = _LANGUAGES.get(parameters.image)
    given = parameters.model_dump(mode="json", exclude_none=True)
    return present(
        gitUrl=parameters.gitUrl,
        image=parameters.image if language is None else f"{language}:latest",
        shell=parameters.shell,
        workDir=parameters.workDir,
        storageClass=parameters.storageClass,
        resources=given["resources"],
        persistentVolumeDirs=given.get("persistentVolumeDirs"),
        command=given["command"],
        debug=given.get("debug"),
        hotReload=parameters.hotReload,
        sync=given["sync"],
        env=given.get("env"),
        portForward=parameters.portForward or [f"{parameters.port}:{parameters.port}"],
    )


NOCALHOST = Trait(
    name="nocalhost",
    title="Lets developers work in the component's container with Nocalhost",
    parameters=NocalhostParameters,
    apply=apply,
    kinds=frozenset({"v1/Service"}),
    examples=(
        {
            "port": 8080,
            "image": "registry.example/build:1",
            "gitUrl": "https://git.example/shop.git",
            "workDir": "/work",
        },
    ),
)
