"""Server-side apply: what merges, what is pruned, who owns what, and who conflicts with whom."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.simulator.errors import ApiError
from dev.simulator.managers import Manager, Ownerships, Write, apply, decode, encode, track_update
from dev.simulator.objects import dig
from shared.contracts.cloning import clone

ALICE, BOB = Manager("alice", "Apply"), Manager("bob", "Apply")
EDITOR = Manager("editor", "Update")

Object = dict[str, Any]


def config_map(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "d"}, "data": data}


def deployment(*containers: Object, **spec: Any) -> Object:
    template = {"spec": {"containers": list(containers)}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "w"},
        "spec": {"template": template, **spec},
    }


def by(manager: Manager, time: str = "t1") -> Write:
    return Write(manager, time, "apps/v1")


def applied(
    live: Object, configuration: Object, owners: Ownerships, manager: Manager = ALICE, *, force: bool = False
) -> tuple[Object, Ownerships]:
    return apply(live, configuration, owners, by(manager), force=force)


def containers_of(obj: Object) -> list[Object]:
    return list(dig(obj, "spec", "template", "spec", "containers"))


def test_first_apply_owns_what_it_states_and_nothing_else() -> None:
    merged, owners = applied({}, config_map(a="1"), {})

    assert merged["data"] == {"a": "1"}
    assert owners[ALICE].fields == {("f:data", "f:a")}


def test_field_that_is_no_longer_applied_is_removed() -> None:
    live, owners = applied({}, config_map(a="1", b="2"), {})

    merged, owners = applied(live, config_map(a="1"), owners)

    assert merged["data"] == {"a": "1"}
    assert owners[ALICE].fields == {("f:data", "f:a")}


def test_field_that_another_applies_too_stays() -> None:
    live, owners = applied({}, config_map(a="1", b="2"), {})
    live, owners = applied(live, config_map(b="2"), owners, BOB)

    merged, owners = applied(live, config_map(a="1"), owners)

    assert merged["data"] == {"a": "1", "b": "2"}
    assert owners[BOB].fields == {("f:data", "f:b")}


def test_field_that_nobody_owns_stays() -> None:
    live, owners = applied({}, config_map(a="1"), {})
    live["data"]["default"] = "x"

    merged, _ = applied(live, config_map(b="2"), owners)

    assert merged["data"] == {"b": "2", "default": "x"}


def test_equal_value_makes_co_owners_without_a_conflict() -> None:
    live, owners = applied({}, config_map(a="1"), {})

    _, owners = applied(live, config_map(a="1"), owners, BOB)

    assert owners[ALICE].fields == owners[BOB].fields


def test_conflict_names_manager_and_field() -> None:
    live, owners = applied({}, deployment(replicas=1), {})

    with pytest.raises(ApiError) as caught:
        applied(live, deployment(replicas=2), owners, BOB)

    assert (caught.value.code, caught.value.reason) == (409, "Conflict")
    assert caught.value.message == 'Apply failed with 1 conflict: conflict with "alice": .spec.replicas'
    assert caught.value.details == {
        "causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "alice"', "field": ".spec.replicas"}]
    }


def test_conflict_with_an_update_names_its_version() -> None:
    owners = track_update({}, deployment(replicas=1), {}, by(EDITOR))

    with pytest.raises(ApiError) as caught:
        applied(deployment(replicas=1), deployment(replicas=2), owners)

    assert 'conflict with "editor" using apps/v1: .spec.replicas' in caught.value.message


def test_several_conflicts_are_listed_by_manager() -> None:
    live, owners = applied({}, deployment({"name": "web", "image": "a"}, replicas=1), {})

    with pytest.raises(ApiError) as caught:
        applied(live, deployment({"name": "web", "image": "b"}, replicas=2), owners, BOB)

    assert caught.value.message == (
        'Apply failed with 2 conflicts: conflicts with "alice":\n'
        '- .spec.replicas\n- .spec.template.spec.containers[name="web"].image'
    )


def test_force_takes_the_field_from_its_owner() -> None:
    live, owners = applied({}, deployment(replicas=1), {})

    merged, owners = applied(live, deployment(replicas=2), owners, BOB, force=True)

    assert merged["spec"]["replicas"] == 2
    assert ("f:spec", "f:replicas") in owners[BOB].fields
    assert ALICE not in owners


def test_containers_merge_by_name() -> None:
    live, owners = applied({}, deployment({"name": "web", "image": "a"}), {})
    live, owners = applied(live, deployment({"name": "sidecar", "image": "s"}), owners, BOB)

    merged, _ = applied(live, deployment({"name": "web", "image": "b"}), owners)

    assert containers_of(merged) == [{"name": "web", "image": "b"}, {"name": "sidecar", "image": "s"}]


def test_container_that_is_no_longer_applied_goes_with_its_defaults() -> None:
    live, owners = applied({}, deployment({"name": "a", "image": "x"}, {"name": "b", "image": "y"}), {})
    containers_of(live)[1]["imagePullPolicy"] = "Always"

    merged, _ = applied(live, deployment({"name": "a", "image": "x"}), owners)

    assert [container["name"] for container in containers_of(merged)] == ["a"]


def test_probe_that_is_no_longer_applied_goes_with_its_defaults() -> None:
    probe = {"httpGet": {"port": 80}}
    live, owners = applied({}, deployment({"name": "a", "image": "x", "livenessProbe": probe}), {})
    live = clone(live)
    containers_of(live)[0]["livenessProbe"]["timeoutSeconds"] = 1

    merged, _ = applied(live, deployment({"name": "a", "image": "x"}), owners)

    assert containers_of(merged) == [{"name": "a", "image": "x"}]


def test_ports_of_a_container_merge_by_number_and_protocol() -> None:
    web = {"name": "web", "image": "a"}
    tcp, udp = {"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}
    live, owners = applied({}, deployment({**web, "ports": [tcp]}), {})
    live = clone(live)
    containers_of(live)[0]["ports"][0]["protocol"] = "TCP"

    merged, _ = applied(live, deployment({**web, "ports": [udp]}), owners, BOB)

    assert containers_of(merged)[0]["ports"] == [{"containerPort": 53, "protocol": "TCP"}, udp]


def test_applied_order_of_environment_wins_and_foreign_items_keep_their_place() -> None:
    def web(*names: str) -> Object:
        return deployment({"name": "web", "image": "a", "env": [{"name": name, "value": "1"} for name in names]})

    live, owners = applied({}, web("a", "b"), {})
    live, owners = applied(live, web("x"), owners, BOB)

    merged, _ = applied(live, web("b", "a"), owners)

    assert [one["name"] for one in containers_of(merged)[0]["env"]] == ["b", "a", "x"]


def test_atomic_list_is_replaced_as_a_whole() -> None:
    live, owners = applied({}, deployment({"name": "web", "image": "a", "args": ["1", "2"]}), {})

    merged, owners = applied(live, deployment({"name": "web", "image": "a", "args": ["3"]}), owners)

    assert containers_of(merged)[0]["args"] == ["3"]


def test_atomic_map_is_owned_as_a_whole() -> None:
    selector = {"selector": {"matchLabels": {"app": "a"}}}

    _, owners = applied({}, deployment(**selector), {})

    assert ("f:spec", "f:selector") in owners[ALICE].fields


def test_finalizers_merge_as_a_set() -> None:
    def finalized(*finalizers: str) -> Object:
        return {"metadata": {"name": "c", "finalizers": list(finalizers)}}

    live, owners = applied({}, finalized("a/x", "a/y"), {})
    live, owners = applied(live, finalized("b/z"), owners, BOB)

    merged, _ = applied(live, finalized("a/y"), owners)

    assert merged["metadata"]["finalizers"] == ["a/y", "b/z"]


def test_update_takes_what_it_changes_and_leaves_the_rest() -> None:
    live, owners = applied({}, config_map(a="1", b="2"), {})

    owners = track_update(live, config_map(a="9", b="2"), owners, by(EDITOR))

    assert owners[ALICE].fields == {("f:data", "f:b")}
    assert owners[EDITOR].fields == {("f:data", "f:a")}


def test_time_of_an_owner_stays_when_nothing_changes() -> None:
    live, owners = apply({}, config_map(a="1"), {}, by(ALICE, "t1"), force=False)

    _, owners = apply(live, config_map(a="1"), owners, by(ALICE, "t2"), force=False)

    assert owners[ALICE].time == "t1"


def test_managed_fields_read_as_they_were_written() -> None:
    _, owners = applied({}, deployment({"name": "web", "image": "a", "env": [{"name": "A"}]}, replicas=1), {})
    owners = {**owners, **track_update({}, config_map(a="1"), {}, by(EDITOR))}

    assert decode(encode(owners)) == owners
    assert encode(owners)[0]["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"] == {
        'k:{"name":"web"}': {
            ".": {},
            "f:name": {},
            "f:image": {},
            "f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}}},
        }
    }


names = st.sampled_from(["a", "b", "c", "d"])
values = st.sampled_from(["1", "2"])
environments = st.dictionaries(names, values, max_size=4).map(
    lambda env: [{"name": name, "value": value} for name, value in env.items()]
)
containers = st.dictionaries(names, environments, min_size=1, max_size=3).map(
    lambda found: [{"name": name, "image": "i", "env": env} for name, env in found.items()]
)
configurations = st.builds(
    lambda found, labels: {**deployment(*found), "metadata": {"name": "w", "labels": labels}},
    containers,
    st.dictionaries(names, values),
)


def parts(value: Any) -> Any:
    """Compare merged lists without their order."""
    if isinstance(value, dict):
        return {key: parts(child) for key, child in value.items() if child not in ({}, [])}
    if isinstance(value, list):
        return {item["name"]: parts(item) for item in value}
    return value


@given(configurations, configurations)
def test_a_lone_manager_gets_what_it_applied_last(first: Object, second: Object) -> None:
    live, owners = applied({}, first, {})

    merged, _ = applied(live, second, owners)

    assert parts(merged["spec"]) == parts(second["spec"])
    assert parts(merged["metadata"]) == parts(second["metadata"])


@given(configurations, configurations)
def test_applying_again_changes_nothing(foreign: Object, mine: Object) -> None:
    live, owners = applied({}, foreign, {}, BOB)
    once, owners_once = applied(live, mine, owners, force=True)

    twice, owners_twice = applied(once, mine, owners_once)

    assert (twice, owners_twice) == (once, owners_once)


@given(configurations, configurations)
def test_forced_apply_prevails_and_takes_nothing_else(foreign: Object, mine: Object) -> None:
    live, owners = applied({}, foreign, {}, BOB)
    before = clone(live)

    merged, settled = applied(live, mine, owners, force=True)

    assert live == before
    stated = settled[ALICE].fields
    assert settled.get(BOB) is None or settled[BOB].fields <= owners[BOB].fields
    lost = owners[BOB].fields - (settled[BOB].fields if BOB in settled else frozenset())
    assert lost <= stated
    assert {one["name"] for one in containers_of(mine)} <= {one["name"] for one in containers_of(merged)}
