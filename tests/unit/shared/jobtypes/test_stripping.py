"""What of an object may go elsewhere."""

import copy
from typing import Any

import pytest

from shared.jobtypes.stripping import BelongsToCluster, stripped

Document = dict[str, Any]


def live(api_version: str, kind: str, **fields: Any) -> Document:
    """An object as an API server has it, written by everybody who writes metadata."""
    metadata = {
        "name": "a",
        "namespace": "shop",
        "uid": "0c9d",
        "resourceVersion": "12",
        "generation": 3,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "deletionTimestamp": "2026-01-02T00:00:00Z",
        "selfLink": "/a",
        "managedFields": [{"manager": "kubectl"}],
        "ownerReferences": [{"kind": "Application"}],
        "finalizers": ["example.com/wait"],
        "generateName": "a-",
        "labels": {
            "team": "blue",
            "app.kubernetes.io/managed-by": "kubemin",
            "kubemin.dev/track": "stable",
            "app.oam.dev/name": "other",
            "workload.oam.dev/type": "webservice",
        },
        "annotations": {
            "note": "kept",
            "kubemin.dev/app-uid": "5f0c",
            "kubemin.dev/digest": "d",
            "app.oam.dev/last-applied-configuration": "{}",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "deployment.kubernetes.io/revision": "4",
            "meta.helm.sh/release-name": "r",
            "pv.kubernetes.io/bind-completed": "yes",
        },
    }
    status = {"status": {"replicas": 1}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata} | status | copy.deepcopy(fields)


def test_nothing_stays_of_what_a_cluster_or_an_owner_wrote() -> None:
    given = live("v1", "ConfigMap", data={"a": "b"}, immutable=True)
    before = copy.deepcopy(given)

    assert stripped(given) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "labels": {"team": "blue"}, "annotations": {"note": "kept"}},
        "data": {"a": "b"},
        "immutable": True,
    }
    assert given == before


def test_another_manager_is_kept_as_a_label() -> None:
    given = live("v1", "ConfigMap")
    given["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "team-blue"

    assert stripped(given)["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "team-blue"


def test_object_of_the_whole_cluster_says_that_it_is_in_no_namespace() -> None:
    given = live("scheduling.k8s.io/v1", "PriorityClass", value=1)
    del given["metadata"]["namespace"]

    assert stripped(given)["metadata"]["namespace"] == ""


@pytest.mark.parametrize(
    ("api_version", "kind", "fields", "kept"),
    [
        (
            "v1",
            "Service",
            {
                "spec": {
                    "clusterIP": "10.0.0.1",
                    "clusterIPs": ["10.0.0.1"],
                    "ipFamilies": ["IPv4"],
                    "ipFamilyPolicy": "SingleStack",
                    "healthCheckNodePort": 30001,
                    "ports": [{"port": 80, "nodePort": 30000}],
                }
            },
            {"spec": {"ipFamilyPolicy": "SingleStack", "ports": [{"port": 80}]}},
        ),
        (
            "v1",
            "Service",
            {"spec": {"clusterIP": "None", "clusterIPs": ["None"], "ports": [{"port": 80}]}},
            {"spec": {"clusterIP": "None", "ports": [{"port": 80}]}},
        ),
        ("v1", "PersistentVolumeClaim", {"spec": {"volumeName": "pv-1", "x": 1}}, {"spec": {"x": 1}}),
        ("v1", "Pod", {"spec": {"nodeName": "n", "x": 1}}, {"spec": {"x": 1}}),
        ("v1", "ServiceAccount", {"secrets": [{"name": "token"}], "x": 1}, {"x": 1}),
        (
            "batch/v1",
            "Job",
            {
                "spec": {
                    "selector": {"matchLabels": {"controller-uid": "u"}},
                    "template": {"metadata": {"labels": {"a": "b", "batch.kubernetes.io/controller-uid": "u"}}},
                }
            },
            {"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}},
        ),
        (
            "batch/v1",
            "Job",
            {"spec": {"manualSelector": True, "selector": {"matchLabels": {"a": "b"}}}},
            {"spec": {"manualSelector": True, "selector": {"matchLabels": {"a": "b"}}}},
        ),
        ("example.com/v1", "Service", {"spec": {"clusterIP": "mine"}}, {"spec": {"clusterIP": "mine"}}),
        ("v1", "Service", {"spec": None}, {"spec": None}),
    ],
)
def test_fields_that_the_cluster_fills_in_are_taken_off(
    api_version: str, kind: str, fields: Document, kept: Document
) -> None:
    found = stripped(live(api_version, kind, **fields))

    assert {field: value for field, value in found.items() if field not in ("apiVersion", "kind", "metadata")} == kept


def test_token_of_a_service_account_is_refused() -> None:
    with pytest.raises(BelongsToCluster, match="does not leave it"):
        stripped(live("v1", "Secret", type="kubernetes.io/service-account-token", data={"token": "dA=="}))


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "Service", "spec": []},
        {"kind": "Service", "spec": {"ports": 5}},
        {"kind": "Service", "spec": {"ports": ["http", None]}},
        {"kind": "PersistentVolumeClaim", "spec": "large"},
        {"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {"metadata": {"labels": ["a"]}}}},
        {"apiVersion": "batch/v1", "kind": "Job", "spec": None},
    ],
)
def test_malformed_object_is_left_to_whoever_looks_at_it_closer(fields: Document) -> None:
    given = {"apiVersion": "v1", "metadata": {"name": "a", "labels": None, "annotations": None}, **fields}

    assert stripped(given) == {**given, "metadata": {"name": "a", "namespace": ""}}
