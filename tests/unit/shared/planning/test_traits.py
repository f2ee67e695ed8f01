"""Traits in a plan: conflicts name both places, warnings reach the author, order is that of the list."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.contracts.canonical import canonical_json
from shared.contracts.identity import AppRef
from shared.contracts.plan import Finding
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, check_document, make_plan
from tests.support.planning import UID, component, document, placement, planned, steps

Document = dict[str, Any]

REF = AppRef(tenant="acme", namespace="demo", name="shop")


def web(*traits: tuple[str, Document], type_: str = "webservice", **properties: Any) -> Document:
    """A component of a document with these traits."""
    given_ = [{"type": name, "properties": p} for name, p in traits]
    return component("web", type_, *given_, properties={"image": "nginx:1.27", **properties})


def refused(*components: Document) -> Finding:
    """The only finding."""
    with pytest.raises(DocumentRejected) as rejected:
        check_document(document(*components), BUILTIN)
    (finding,) = rejected.value.findings
    return finding


LATER = "spec.components[0].traits[2].properties"


@pytest.mark.parametrize(
    ("traits", "path", "other"),
    [
        ([("podsecuritycontext", {"runAsUser": 1}), ("podsecuritycontext", {"runAsUser": 2})], LATER, "traits[0]"),
        (
            [
                ("lifecycle", {"preStop": {"tcpSocket": {"port": 1}}}),
                ("lifecycle", {"preStop": {"tcpSocket": {"port": 2}}}),
            ],
            f"{LATER}.preStop",
            "traits[0]",
        ),
        (
            [
                ("storage", {"emptyDir": [{"name": "a", "mountPath": "/a"}]}),
                ("storage", {"emptyDir": [{"name": "b", "mountPath": "/a"}]}),
            ],
            f"{LATER}.emptyDir[0].mountPath",
            "traits[0]",
        ),
        (
            [("sidecar", {"name": "log", "image": "a"}), ("sidecar", {"name": "log", "image": "b"})],
            f"{LATER}.name",
            "traits[0]",
        ),
    ],
)
def test_conflict_of_two_traits_names_both(traits: list[tuple[str, Document]], path: str, other: str) -> None:
    between = ("labels", {"a": "b"})
    finding = refused(web(traits[0], between, traits[1]))
    assert finding.path == path
    assert finding.message.endswith(f"(spec.components[0].{other})")


def test_conflict_with_the_component_names_it() -> None:
    mounts = {"emptyDir": [{"name": "a", "mountPath": "/a"}]}
    finding = refused(web(("storage", {"emptyDir": [{"name": "b", "mountPath": "/a"}]}), volumeMounts=mounts))
    assert finding.message.endswith("(spec.components[0])")


def test_writer_is_the_last_that_changed_it() -> None:
    """The image changed once between; what is there now is the second trait's."""
    container = {"name": "log", "image": "a"}
    traits: list[tuple[str, Document]] = [
        ("sidecar", container),
        ("container-image", {"containers": [{"containerName": "log", "image": "b"}]}),
        ("sidecar", container),
    ]
    assert refused(web(*traits)).message.endswith("(spec.components[0].traits[1])")


def test_warning_of_a_trait_reaches_the_check_and_the_plan_once() -> None:
    doc = document(web(("scaler", {"replicas": 3}), ("hpa", {})))
    app, warnings = check_document(doc, BUILTIN)
    plan = make_plan(app, ref=REF, uid=UID, generation=1, placements=[placement("dev")], registry=BUILTIN)
    for told in (warnings, plan.warnings, planned(doc, registry=BUILTIN).warnings):
        assert [(w.path, w.code) for w in told] == [("spec.components[0].traits[1]", "ReplicasAutoscaled")]


def test_deprecated_trait_is_accepted_with_a_warning_that_names_its_successor() -> None:
    doc = document(web(("node-affinity", {"affinity": {"zone": ["a"]}})))
    _, warnings = check_document(doc, BUILTIN)
    (warning,) = warnings
    assert (warning.path, warning.code) == ("spec.components[0].traits[0].type", "Deprecated")
    assert "affinity" in warning.remedy


def test_account_and_rights_are_applied_before_the_workload_and_are_no_missing_reference() -> None:
    privileges = [{"verbs": ["get"], "resources": ["pods"]}]
    account = {"name": "reader", "create": True, "privileges": privileges}
    (step,) = planned(document(web(("service-account", account))), registry=BUILTIN).steps
    assert [obj.key.kind for obj in step.objects] == ["ServiceAccount", "Role", "RoleBinding", "Deployment"]
    assert step.references == ()


def test_account_that_is_not_created_is_a_reference() -> None:
    (step,) = planned(document(web(("service-account", {"name": "reader"}))), registry=BUILTIN).steps
    assert [(r.kind, r.name) for r in step.references] == [("ServiceAccount", "reader")]


def test_patch_cannot_bring_back_replicas_that_an_autoscaler_owns() -> None:
    doc = document(web(("hpa", {}), ("json-merge-patch", {"spec": {"replicas": 5}})))
    step = steps(planned(doc, registry=BUILTIN))["web"]
    (workload,) = [obj.manifest for obj in step.objects if obj.key.kind == "Deployment"]
    assert "replicas" not in workload["spec"]


def test_traits_are_applied_in_list_order() -> None:
    images = [("container-image", {"image": image}) for image in ("a:1", "b:2")]
    for order in (images, images[::-1]):
        step = steps(planned(document(web(*order)), registry=BUILTIN))["web"]
        (container,) = step.objects[0].manifest["spec"]["template"]["spec"]["containers"]
        assert container["image"] == order[-1][1]["image"]


PATCHES: list[tuple[str, Document]] = [
    ("labels", {"a": "b"}),
    ("annotations", {"c": "d"}),
    ("env", {"env": {"E": "f"}}),
    ("sidecar", {"name": "log", "image": "g"}),
    ("hostalias", {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["h"]}]}),
    ("affinity", {"tolerations": [{"key": "i", "operator": "Exists"}]}),
    ("podsecuritycontext", {"runAsUser": 1}),
    ("securitycontext", {"runAsUser": 2}),
    ("scaler", {"replicas": 3}),
    ("storage", {"emptyDir": [{"name": "j", "mountPath": "/j"}]}),
    ("k8s-update-strategy", {"strategy": {"type": "Recreate"}}),
    ("expose", {"ports": [{"port": 80}]}),
    ("service-account", {"name": "k"}),
    ("startup-probe", {"tcpSocket": {"port": 80}}),
]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(st.permutations(PATCHES), st.integers(1, len(PATCHES)))
def test_traits_that_do_not_contradict_each_other_give_one_plan_in_any_order(
    order: list[tuple[str, Document]], count: int
) -> None:
    """Those that concern what is there at the time, such as lifecycle, are left out: their order means something."""
    some = order[:count]
    one = planned(document(web(*some)), registry=BUILTIN)
    other = planned(document(web(*sorted(some, key=lambda trait: trait[0]))), registry=BUILTIN)
    assert [_sets(step.objects) for step in one.steps] == [_sets(step.objects) for step in other.steps]
    again = planned(document(web(*some)), registry=BUILTIN)
    assert canonical_json(again.model_dump(mode="json")) == canonical_json(one.model_dump(mode="json"))


def _sets(objects: Any) -> list[bytes]:
    return sorted(canonical_json(obj.manifest) for obj in objects)
