"""The life of a pod as a script of delays and statuses, by how it is told to behave. Pure.

The annotation `kubemin.dev/simulate` makes a pod misbehave; the real control plane of the tests knows the same words:

- `image-pull-backoff`: its images cannot be pulled;
- `crash-loop`, `oom-killed`, `exit-<code>`: its containers end with exit code 1, by the out-of-memory killer, or with
  that code; under restart policy Never the pod has failed, else they are restarted again and again;
- `never-ready`: it runs, and its readiness probe fails;
- `hang`: it runs, and if it belongs to a Job it does not complete.

Any other value leaves the pod Pending, so that a typing error is seen.
"""

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace

from dev.simulator.controllers.container_status import (
    container_status,
    met,
    not_ready,
    running,
    terminated,
    unmet,
    waiting,
)
from dev.simulator.objects import Object, annotations_of, controller_of, name_of, namespace_of, uid_of
from dev.simulator.timing import Timing

SIMULATE = "kubemin.dev/simulate"

_EXIT = re.compile(r"exit-([1-9][0-9]*)")
_ENDINGS = {"crash-loop": (1, "Error"), "oom-killed": (137, "OOMKilled")}


@dataclass(frozen=True, slots=True)
class Warned:
    """A Warning event that goes with a step."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Step:
    """The next status of a pod."""

    phase: str
    containers: list[Object]
    conditions: dict[str, Object]
    init_containers: list[Object] = field(default_factory=list)
    warned: Warned | None = None


Script = Iterator[float | Step]
"""What becomes of a pod: each number is a delay in seconds before the next status."""

_STARTED = met("PodReadyToStartContainers", "Initialized")


def ending_of(pod: Object) -> tuple[int, str] | None:
    """Return the exit code and reason with which the pod's containers fail, if they are told to."""
    simulate = annotations_of(pod).get(SIMULATE, "")
    if found := _EXIT.fullmatch(simulate):
        return int(found[1]), "Error"
    return _ENDINGS.get(simulate)


def initial(pod: Object) -> Step:
    """Return the status of a pod whose sandbox is being made."""
    inits = pod["spec"].get("initContainers") or []
    names = " ".join(container["name"] for container in inits)
    initialized = (
        unmet("ContainersNotInitialized", f"containers with incomplete status: [{names}]", "Initialized")
        if inits
        else met("Initialized")
    )
    reason = "PodInitializing"
    return Step(
        "Pending",
        [container_status(one, waiting(reason if inits else "ContainerCreating")) for one in pod["spec"]["containers"]],
        {**unmet("", "", "PodReadyToStartContainers"), **initialized, **not_ready(pod)},
        [container_status(one, waiting(reason)) for one in inits],
    )


def life(pod: Object, timing: Timing, now: Callable[[], str]) -> Script:
    """Yield the delays and statuses of a pod that has all it needs, from its first container to its end."""
    inits = yield from _initialize(pod, timing, now)
    match annotations_of(pod).get(SIMULATE, ""):
        case "" | "hang":
            yield from _run(pod, timing, now, inits)
        case "image-pull-backoff":
            yield from _fail_to_pull(pod, timing, inits)
        case "never-ready":
            yield timing.start_s
            warned = Warned("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
            yield replace(_running(pod, now(), inits, ready=False), warned=warned)
        case unknown:
            if (ending := ending_of(pod)) is None:
                message = f"the simulator does not support the value {unknown!r} of the annotation {SIMULATE}"
                yield Step("Pending", initial(pod).containers, {}, inits, Warned("UnknownBehaviour", message))
            elif pod["spec"]["restartPolicy"] == "Never":
                yield timing.start_s
                started = now()
                yield _running(pod, started, inits, ready=True)
                yield timing.run_s
                yield _ended(pod, started, now(), inits, ending)
            else:
                yield from _crash(pod, timing, now, inits, ending)


def _initialize(pod: Object, timing: Timing, now: Callable[[], str]) -> Generator[float | Step, None, list[Object]]:
    """Run the init containers one after another; returns their statuses."""
    inits = pod["spec"].get("initContainers") or []
    statuses = [container_status(one, waiting("PodInitializing")) for one in inits]
    for index, container in enumerate(inits):
        started = now()
        yield timing.init_s
        sidecar = container.get("restartPolicy") == "Always"
        state = running(started) if sidecar else terminated(0, "Completed", started, now())
        statuses = [*statuses[:index], container_status(container, state, ready=True), *statuses[index + 1 :]]
        last = index == len(inits) - 1
        conditions = met("PodReadyToStartContainers", *(("Initialized",) if last else ()))
        yield Step("Pending", initial(pod).containers, conditions, statuses)
    return statuses


def _running(pod: Object, started: str, inits: list[Object], *, ready: bool) -> Step:
    containers = [container_status(one, running(started), ready=ready) for one in pod["spec"]["containers"]]
    readiness = met("Ready", "ContainersReady") if ready else not_ready(pod)
    return Step("Running", containers, {**_STARTED, **readiness}, inits)


def _run(pod: Object, timing: Timing, now: Callable[[], str], inits: list[Object]) -> Script:
    yield timing.start_s
    started = now()
    if any("readinessProbe" in container for container in pod["spec"]["containers"]):
        yield _running(pod, started, inits, ready=False)
        yield timing.ready_s
    yield _running(pod, started, inits, ready=True)
    owner = controller_of(pod)
    if owner is not None and owner["kind"] == "Job" and SIMULATE not in annotations_of(pod):
        yield timing.run_s
        yield _ended(pod, started, now(), inits, (0, "Completed"))


def _ended(pod: Object, started: str, finished: str, inits: list[Object], ending: tuple[int, str]) -> Step:
    exit_code, reason = ending
    state = terminated(exit_code, reason, started, finished)
    containers = [container_status(one, state) for one in pod["spec"]["containers"]]
    conditions = unmet("PodFailed" if exit_code else "PodCompleted", "", "Ready", "ContainersReady")
    return Step("Failed" if exit_code else "Succeeded", containers, conditions, inits)


def _fail_to_pull(pod: Object, timing: Timing, inits: list[Object]) -> Script:
    def stuck(reason: str, prefix: str) -> list[Object]:
        statuses = []
        for container in pod["spec"]["containers"]:
            image = container["image"]
            error = (
                f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
            )
            message = prefix.format(image=image) + error
            statuses.append(container_status(container, waiting(reason, message)))
        return statuses

    conditions = {**_STARTED, **not_ready(pod)}
    yield timing.start_s
    yield Step("Pending", stuck("ErrImagePull", ""), conditions, inits, Warned("Failed", "Error: ErrImagePull"))
    yield timing.pull_backoff_s
    backed_off = stuck("ImagePullBackOff", 'Back-off pulling image "{image}": ErrImagePull: ')
    yield Step("Pending", backed_off, conditions, inits, Warned("Failed", "Error: ImagePullBackOff"))


def _crash(pod: Object, timing: Timing, now: Callable[[], str], inits: list[Object], ending: tuple[int, str]) -> Script:
    exit_code, reason = ending
    conditions = {**_STARTED, **not_ready(pod)}
    yield timing.start_s
    last = terminated(exit_code, reason, now(), now())
    crashed = [container_status(one, last) for one in pod["spec"]["containers"]]
    yield Step("Running", crashed, conditions, inits)
    yield timing.run_s
    restarts = 1
    while True:
        last = terminated(exit_code, reason, now(), now())
        statuses = []
        for container in pod["spec"]["containers"]:
            whose = f"pod={name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
            message = f"back-off {_shown(restarts)} restarting failed container={container['name']} {whose}"
            state = waiting("CrashLoopBackOff", message)
            statuses.append(container_status(container, state, restarts=restarts, last_state=last))
        warned = Warned("BackOff", "Back-off restarting failed container")
        yield Step("Running", statuses, conditions, inits, warned)
        yield min(timing.restart_s * 2.0 ** (restarts - 1), timing.max_restart_s)
        restarts += 1


def _shown(restarts: int) -> str:
    """Write kubelet's back-off, which starts at 10 s and ends at 5 min."""
    seconds = min(10 * 2 ** (restarts - 1), 300)
    return f"{seconds}s" if seconds < 60 else f"{seconds // 60}m{seconds % 60}s"
