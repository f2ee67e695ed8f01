"""Which pod may run on which node: selectors, taints and resources, as kube-scheduler's filters see them. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

from dev.simulator.objects import Object, dig, labels_of, name_of
from dev.simulator.quantities import parse_quantity

NO_MATCH = "node(s) didn't match Pod's node affinity/selector"
UNSCHEDULABLE_TAINT = "node.kubernetes.io/unschedulable"
UNSCHEDULABLE = "node(s) were unschedulable"


def requested(pod: Object) -> Counter[str]:
    """Return what a pod asks of a node, in thousandths so that whole numbers suffice; a pod is one of `pods`."""
    total: Counter[str] = Counter(pods=1000)
    for container in pod["spec"]["containers"]:
        total.update(_requests(container))
    for container in pod["spec"].get("initContainers") or ():
        wanted = _requests(container)
        if container.get("restartPolicy") == "Always":
            total.update(wanted)
        else:
            total |= Counter(wanted)
    return total


def _requests(container: Object) -> dict[str, int]:
    requests = dig(container, "resources", "requests") or {}
    return {name: _thousandths(value) for name, value in requests.items()}


def _thousandths(value: str) -> int:
    return -int(-parse_quantity(value) * 1000 // 1)


def allocatable(node: Object) -> Counter[str]:
    """Return what a node has to give, in thousandths."""
    return Counter({name: _thousandths(value) for name, value in (dig(node, "status", "allocatable") or {}).items()})


def selector_mismatch(pod: Object, node: Object) -> bool:
    """Tell whether the node is not one that the pod selects."""
    wanted = pod["spec"].get("nodeSelector") or {}
    if not wanted.items() <= labels_of(node).items():
        return True
    required = dig(pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    terms = (required or {}).get("nodeSelectorTerms") or []
    return bool(terms) and not any(_term_matches(term, node) for term in terms)


def _term_matches(term: Object, node: Object) -> bool:
    fields = {"metadata.name": name_of(node)}
    return all(_expression_matches(one, labels_of(node)) for one in term.get("matchExpressions") or ()) and all(
        _expression_matches(one, fields) for one in term.get("matchFields") or ()
    )


def _expression_matches(expression: Object, values: Mapping[str, str]) -> bool:
    key, wanted = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return values.get(key) in wanted
        case "NotIn":
            return values.get(key) not in wanted
        case "Exists":
            return key in values
        case "DoesNotExist":
            return key not in values
        case "Gt":
            return key in values and int(values[key]) > int(wanted[0])
        case _:
            return key in values and int(values[key]) < int(wanted[0])


def untolerated_taint(pod: Object, node: Object) -> Object | None:
    """Return the first taint that keeps the pod off the node."""
    for taint in node["spec"].get("taints") or ():
        if taint["effect"] in {"NoSchedule", "NoExecute"} and not any(
            _tolerates(toleration, taint) for toleration in pod["spec"].get("tolerations") or ()
        ):
            return dict(taint)
    return None


def tolerates_unschedulable(pod: Object) -> bool:
    """Tell whether the pod runs on nodes that take no new pods, as those of DaemonSets do."""
    taint = {"key": UNSCHEDULABLE_TAINT, "effect": "NoSchedule"}
    return any(_tolerates(toleration, taint) for toleration in pod["spec"].get("tolerations") or ())


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in {None, "", taint["effect"]}:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return toleration.get("key") in {None, "", taint["key"]}
    return bool(toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", ""))


def unplaceable(reasons: Iterable[tuple[str, bool]]) -> str:
    """Write the scheduler's message from the reason of each node, and whether evicting other pods could help there."""
    found = list(reasons)
    nodes = len(found)
    if not nodes:
        return "no nodes available to schedule pods"
    counted = Counter(reason for reason, _ in found)
    helpless = Counter(
        "No preemption victims found for incoming pod" if evictable else "Preemption is not helpful for scheduling"
        for _, evictable in found
    )
    preemption = f"preemption: 0/{nodes} nodes are available: {_listed(helpless)}."
    return f"0/{nodes} nodes are available: {_listed(counted)}. no new claims to deallocate, {preemption}"


def _listed(counted: Counter[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in counted.items()))


def refused(nodes: int, why: str) -> str:
    """Write the scheduler's message for what no node can change."""
    # The odd end is what 1.36 writes when no filter has run that preemption could ask.
    return f"0/{nodes} nodes are available: {why}. not found"
