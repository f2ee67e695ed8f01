"""What later stages find in the converted document is told in the places of the one that was sent."""

from pathlib import Path
from typing import Any

import pytest

from shared.contracts.plan import Finding
from shared.dialect import PathMap, convert
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, check_document
from tests.support.dialect import (
    Document,
    component,
    document,
    document_of,
    planned,
    with_traits,
)
from tests.support.dialect import paths as golden_paths

WEB = "component[0]"


def found(given: Document) -> set[tuple[str, str]]:
    """Code and place of what is wrong with the converted document, led back."""
    converted = convert(given)
    with pytest.raises(DocumentRejected) as rejected:
        check_document(converted.document, BUILTIN)
    return {(one.code, one.path) for one in converted.paths.findings(rejected.value.findings)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (document(namespace="My_Team"), {("InvalidFormat", "namespace")}),
        (
            document(component(properties={"ports": [{"port": 80}, {"port": 80}]})),
            {("PortNotUnique", f"{WEB}.properties.ports[1].port")},
        ),
        (
            document(component(properties={"labels": {"app.oam.dev/component": "x"}})),
            {("LabelReserved", f'{WEB}.properties.labels["app.oam.dev/component"]')},
        ),
        (
            with_traits(probes=[{"type": "liveness", "http_get": {"port": 80, "scheme": "http"}}]),
            {("NotAllowed", f"{WEB}.traits.probes[0].http_get.scheme")},
        ),
        (
            with_traits(probes=[{"type": "liveness", "tcp_socket": {"port": 80}, "success_threshold": 2}]),
            {("NotAllowed", f"{WEB}.traits.probes[0].success_threshold")},
        ),
        (
            with_traits(
                storage=[
                    {"name": "data", "type": "secret", "source_name": "My_S", "mount_path": "/d", "data": {"a": "b"}}
                ]
            ),
            {("InvalidFormat", f"{WEB}.traits.storage[0].source_name")},
        ),
        (
            with_traits(rbac=[{"rules": [{"verbs": ["get"], "non_resource_urls": ["/metrics"]}]}]),
            {("ScopeConflict", f"{WEB}.traits.rbac[0].rules[0]")},
        ),
        (
            with_traits(probes=[{"type": "liveness", "tcp_socket": {"port": 80}, "period_seconds": -1}]),
            {("OutOfRange", f"{WEB}.traits.probes[0].period_seconds")},
        ),
        (
            with_traits(
                storage=[
                    {"name": "a", "type": "ephemeral", "mountPath": "/x"},
                    {"name": "b", "type": "ephemeral", "mountPath": "/x"},
                ]
            ),
            {("MountConflict", f"{WEB}.traits.storage[1].mountPath")},
        ),
        (
            with_traits(sidecar=[{"name": "log", "image": "x"}, {"name": "log", "image": "y"}]),
            {("ContainerNotUnique", f"{WEB}.traits.sidecar[1].name")},
        ),
        (
            with_traits(ingress=[{"routes": [{"path": "x", "backend": {"service_name": "web"}}]}]),
            {("PathNotAbsolute", f"{WEB}.traits.ingress[0].routes[0].path")},
        ),
        (
            with_traits(ingress=[{"name": "same", "routes": [{"backend": {"service_name": "web"}}]}] * 2),
            {("GatewayNotUnique", f"{WEB}.traits.ingress[1].name")},
        ),
    ],
    ids=lambda case: repr(case)[:60],
)
def test_finding_is_told_where_the_document_has_it(given: Document, expected: set[tuple[str, str]]) -> None:
    assert found(given) == expected


def test_place_that_nobody_wrote_is_told_as_the_nearest_around_it() -> None:
    paths = convert(with_traits(probes=[{"type": "liveness", "tcp_socket": {"port": 80}}])).paths
    assert paths.back("spec.components[0].traits[1].properties.livenessProbe.nothing[3]") == f"{WEB}.traits.probes[0]"
    assert paths.back("spec.components[0].traits[7]") == WEB
    assert paths.back("spec.workflow") == ""


def test_places_of_the_document_that_was_sent_stay() -> None:
    assert PathMap({}).back("component[0].name") == "component[0].name"


def test_places_in_the_words_of_a_finding_are_led_back_too() -> None:
    paths: Any = convert(document()).paths
    finding = Finding(path="", code="X", message="spec.components[0].traits[0] says so (spec.components[0]).")
    assert paths.finding(finding).message == f"{WEB} says so ({WEB})."


@pytest.mark.parametrize("path", golden_paths(), ids=lambda path: path.stem)
def test_what_is_kept_of_a_map_tells_the_same_plan_alike(path: Path) -> None:
    converted = convert(document_of(path))
    plan = planned(converted.document)
    told = converted.paths.plan(plan)
    assert PathMap(converted.paths.naming(told)).plan(plan) == told


def test_of_a_map_is_kept_what_the_plan_names_and_no_more() -> None:
    carries = {"name": "keys", "type": "secret", "mount_path": "/keys", "data": {"a": "b"}}
    needs = {"name": "A", "value_from": {"secret": {"name": "elsewhere", "key": "k"}}}
    traits = {"storage": [carries], "envs": [needs]}
    converted = convert(document(component("web", traits=traits), component("api", traits=traits)))
    plan = planned(converted.document)
    kept = converted.paths.naming(converted.paths.plan(plan))
    places = ("envs[0].value_from.secret.name", "storage[0]")
    assert set(kept.values()) == {f"component[{index}].traits.{place}" for index in (0, 1) for place in places}
    assert len(kept) < len(converted.paths.places) / 4
    (override,) = PathMap(kept).plan(plan).overrides
    assert (override.loser_path, override.winner_path) == (
        f"{WEB}.traits.storage[0]",
        "component[1].traits.storage[0]",
    )


def test_place_that_nobody_kept_stays_as_it_is() -> None:
    assert PathMap({"spec.components[0]": WEB}).back("spec.components[1].type") == "spec.components[1].type"
