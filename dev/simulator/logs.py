"""Pod logs: there is no container behind them, and the only line says so."""

from dev.simulator import kinds
from dev.simulator.errors import bad_request
from dev.simulator.objects import Object, dig, name_of, namespace_of


def pod_log(pod: Object, container: str) -> str:
    """Return the log of a container.

    Raises:
        ApiError: 400, the container is not named, not there, or has not started, as kubelet answers.
    """
    names = [one["name"] for one in pod["spec"]["containers"]]
    known = names + [one["name"] for one in pod["spec"].get("initContainers") or ()]
    if not container:
        if len(names) > 1:
            choice = " ".join(names)
            raise bad_request(f"a container name must be specified for pod {name_of(pod)}, choose one of: [{choice}]")
        container = names[0]
    if container not in known:
        raise bad_request(f"container {container} is not valid for {kinds.POD.singular} {name_of(pod)}")
    for field in ("containerStatuses", "initContainerStatuses"):
        for status in dig(pod, "status", field) or ():
            if status["name"] == container and "waiting" in status["state"] and "terminated" not in status["lastState"]:
                why = status["state"]["waiting"]["reason"]
                raise bad_request(f'container "{container}" in pod "{name_of(pod)}" is waiting to start: {why}')
    if not dig(pod, "status", "startTime"):
        raise bad_request(f'container "{container}" in pod "{name_of(pod)}" is waiting to start: ContainerCreating')
    return (
        f"simulated: the cluster simulator runs no containers, so {container} in pod "
        f"{namespace_of(pod)}/{name_of(pod)} has written nothing\n"
    )
