from typing import Any

from dev.simulator.controllers.placement import (
    NO_MATCH,
    refused,
    requested,
    selector_mismatch,
    tolerates_unschedulable,
    unplaceable,
    untolerated_taint,
)


def pod(**spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": [], **spec}}


def container(**requests: str) -> dict[str, Any]:
    return {"resources": {"requests": requests}}


def test_requests_of_containers_add_up_and_init_containers_count_where_they_need_more() -> None:
    wanted = requested(
        pod(
            containers=[container(cpu="250m", memory="1Gi"), container(cpu="1")],
            initContainers=[container(cpu="2"), container(memory="1Mi")],
        )
    )

    assert wanted == {"cpu": 2000, "memory": 1024**3 * 1000, "pods": 1000}


def test_message_counts_nodes_by_reason_as_the_scheduler_does() -> None:
    message = unplaceable([("Insufficient cpu", True), ("Insufficient cpu", False), (NO_MATCH, False)])

    assert message == (
        "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 2 Insufficient cpu. "
        "no new claims to deallocate, preemption: 0/3 nodes are available: "
        "1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling."
    )


def test_message_without_any_node() -> None:
    assert unplaceable([]) == "no nodes available to schedule pods"


def test_message_for_a_missing_claim() -> None:
    message = refused(2, 'persistentvolumeclaim "x" not found')

    assert message == '0/2 nodes are available: persistentvolumeclaim "x" not found. not found'


def test_node_selector_and_affinity_must_both_match() -> None:
    node = {"metadata": {"name": "n1", "labels": {"disk": "ssd"}}, "spec": {}}
    terms = [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}]
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}

    assert not selector_mismatch(pod(nodeSelector={"disk": "ssd"}), node)
    assert selector_mismatch(pod(nodeSelector={"disk": "hdd"}), node)
    assert selector_mismatch(pod(affinity=affinity), node)


def test_taint_is_tolerated_by_key_and_effect() -> None:
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    node = {"metadata": {"name": "n1"}, "spec": {"taints": [taint]}}

    assert untolerated_taint(pod(), node) == taint
    assert untolerated_taint(pod(tolerations=[{"key": "gpu", "operator": "Equal", "value": "yes"}]), node) is None
    assert untolerated_taint(pod(tolerations=[{"key": "gpu", "operator": "Equal", "value": "no"}]), node) == taint
    assert untolerated_taint(pod(tolerations=[{"operator": "Exists"}]), node) is None
    assert tolerates_unschedulable(pod(tolerations=[{"operator": "Exists"}]))
