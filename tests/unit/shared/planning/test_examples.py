"""The examples are documents without findings, and the shop comes up in the order that it promises."""

import time
from pathlib import Path

import pytest

from shared.contracts.plan import Plan
from shared.jobtypes.builtin import BUILTIN
from shared.planning import check_document, destinations_of, parse_document, plan_view, secret_locations
from tests.support.planning import Document, component, document, planned, waits

EXAMPLES = Path(__file__).parents[4] / "examples"
DOCUMENTS = sorted(EXAMPLES.glob("*/*.yaml"))


def plan_of(path: Path) -> Plan:
    doc = parse_document(path.read_bytes())
    app, _ = check_document(doc, BUILTIN)
    clusters = [name for destination in destinations_of(app) for name in destination.clusters]
    return planned(doc, *clusters, registry=BUILTIN)


def test_there_are_examples() -> None:
    assert {path.stem for path in DOCUMENTS} >= {"hello", "shop", "two-clusters"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_examples_plan_without_findings_and_need_nothing_that_is_not_theirs(path: Path) -> None:
    plan = plan_of(path)
    assert plan.warnings == ()
    assert plan.overrides == ()
    assert [r for s in plan.steps for r in s.references] == []
    assert plan_view(plan).steps


def test_the_shop_comes_up_in_order() -> None:
    plan = plan_of(EXAMPLES / "shop" / "shop.yaml")
    assert waits(plan) == {
        "db=pvc=shop-db": [],
        "db=secret=shop-db": [],
        "db": ["db=pvc=shop-db", "db=secret=shop-db"],
        "create-tables=configmap=shop-tables": [],
        "create-tables": ["db=secret=shop-db", "db", "create-tables=configmap=shop-tables"],
        "web=configmap=shop-settings": [],
        "web": ["db=secret=shop-db", "db", "create-tables", "web=configmap=shop-settings"],
        "worker": ["create-tables", "web=configmap=shop-settings"],
    }
    kinds = [o.key.kind for s in plan.steps for o in s.objects]
    assert {"StatefulSet", "Job", "Deployment", "Service", "Ingress", "PersistentVolumeClaim"} < set(kinds)


def test_the_shop_s_password_is_found_for_sealing() -> None:
    app, _ = check_document(parse_document((EXAMPLES / "shop" / "shop.yaml").read_bytes()), BUILTIN)
    assert [(s.secret, s.key) for s in secret_locations(app, BUILTIN)] == [("shop-db", "password")]


def test_two_clusters_get_the_same() -> None:
    plan = plan_of(EXAMPLES / "two-clusters" / "two-clusters.yaml")
    assert [(s.cluster, s.step) for s in plan.steps] == [("dev", "greeter"), ("dev-2", "greeter")]
    assert plan.steps[0].objects == plan.steps[1].objects


def many(count: int) -> Document:
    """A tree of web services, each with a volume and a config that it shares with its neighbour."""
    made = []
    for i in range(count):
        storage = {
            "pvc": [{"name": f"v{i}", "mountPath": "/v"}],
            "configMap": [{"name": f"c{i // 2}", "mountPath": "/c", "data": {"a": str(i)}}],
        }
        traits: list[Document] = [{"type": "scaler"}, {"type": "storage", "properties": storage}]
        fields = {"dependsOn": [f"w{(i - 1) // 2}"]} if i else {}
        properties = {"image": "nginx", "ports": [{"port": 80, "expose": True}]}
        made.append(component(f"w{i}", "webservice", *traits, properties=properties, **fields))
    return document(*made)


def test_500_components_are_planned_within_a_second() -> None:
    doc = many(500)
    started = time.process_time()
    plan = planned(doc, registry=BUILTIN)
    spent_s = time.process_time() - started
    assert len(plan.steps) == 1500
    assert len(plan.overrides) == 250
    assert spent_s < 2, "checking and planning together; planning alone has to stay below a second"
