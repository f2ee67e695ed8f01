import pytest

from dev.simulator.errors import ApiError
from dev.simulator.merge import strategic_merge_patch
from shared.jobtypes.json_patches import merge_patched


def test_json_merge_patch_sets_removes_and_replaces_lists() -> None:
    target = {"a": 1, "b": {"c": 2, "d": 3}, "e": [1, 2]}

    patched = merge_patched(target, {"b": {"c": None, "x": {"y": 4}}, "e": [3]})

    assert patched == {"a": 1, "b": {"d": 3, "x": {"y": 4}}, "e": [3]}
    assert target == {"a": 1, "b": {"c": 2, "d": 3}, "e": [1, 2]}


def test_strategic_merge_patch_merges_containers_by_name() -> None:
    target = {"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}}
    patch = {
        "spec": {
            "$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
            "containers": [{"name": "b", "image": "z"}, {"name": "a", "$patch": "delete"}],
        }
    }

    assert strategic_merge_patch(target, patch) == {"spec": {"containers": [{"name": "b", "image": "z"}]}}


def test_strategic_merge_patch_keeps_only_the_keys_to_retain() -> None:
    target = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    patch = {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}

    assert strategic_merge_patch(target, patch) == {"strategy": {"type": "Recreate"}}


def test_unknown_directive_is_refused_in_words() -> None:
    with pytest.raises(ApiError, match="the simulator does not support the strategic merge patch directive"):
        strategic_merge_patch({}, {"$patch": "replace"})
