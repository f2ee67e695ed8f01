import json
from typing import Any

import pytest

from services.watcher.observe.domain.intake import read
from services.watcher.observe.domain.owned import Verdict, read_owned
from shared.contracts import annotations
from shared.contracts.facts import Progress
from tests.support.observed import (
    APP,
    APP_UID,
    DIGEST,
    annotated,
    condition,
    deployment,
    healthy,
    job,
    live,
    owned_by,
    replica_set,
)


def test_an_object_of_ours_says_whose_it_is() -> None:
    owned = read_owned(live(annotated(deployment(**healthy()), step="web", generation=7), uid="u1", generation=4))
    assert owned is not None
    assert (owned.app, owned.app_uid, owned.step, owned.digest) == (APP, APP_UID, "web", DIGEST)
    assert (owned.object_uid, owned.generation, owned.metadata_generation) == ("u1", 7, 4)


@pytest.mark.parametrize(
    ("obj", "verdict", "progress"),
    [
        (deployment(wanted=3, **healthy(3)), Verdict.SUCCEEDED, (3, 3)),
        (deployment(wanted=3, readyReplicas=1), Verdict.PROGRESSING, (1, 3)),
        (
            deployment(
                wanted=2, conditions=[condition("Progressing", "False", "ProgressDeadlineExceeded")], readyReplicas=1
            ),
            Verdict.FAILED,
            (1, 2),
        ),
        (job(conditions=[condition("Complete")], succeeded=1), Verdict.SUCCEEDED, (1, 1)),
        (job(conditions=[condition("Failed")]), Verdict.FAILED, (0, 1)),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}, Verdict.SUCCEEDED, (0, 0)),
    ],
)
def test_the_verdict_is_what_the_rule_says(obj: dict[str, Any], verdict: Verdict, progress: tuple[int, int]) -> None:
    owned = read_owned(live(annotated(obj)))
    assert owned is not None
    assert (owned.verdict, owned.progress) == (verdict, Progress(ready=progress[0], desired=progress[1]))


def test_failure_is_judged_before_success() -> None:
    both = job(conditions=[condition("Failed"), condition("Complete")])
    owned = read_owned(live(annotated(both)))
    assert owned is not None
    assert owned.verdict is Verdict.FAILED


def test_a_status_of_an_older_spec_says_nothing() -> None:
    owned = read_owned(live(annotated(deployment(**healthy())), generation=2))
    assert owned is not None
    assert owned.verdict is Verdict.PROGRESSING


def test_a_copy_that_another_wrote_is_not_ours() -> None:
    assert read_owned(live(annotated(deployment()), manager="kubectl-client-side-apply")) is None


def test_what_a_controller_derives_from_ours_is_not_ours() -> None:
    ours = live(annotated(deployment()))
    derived = {**replica_set(ours, uid="rs"), "spec": {}}
    derived["metadata"]["managedFields"] = ours["metadata"]["managedFields"]
    assert read(derived).owned is None
    assert read(derived).link is not None


def test_an_object_without_our_annotations_is_not_ours() -> None:
    assert read_owned(live(deployment())) is None


def test_an_object_that_was_applied_in_another_version_names_it() -> None:
    manifest = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}}
    seen = read({**live(annotated(manifest)), "apiVersion": "autoscaling/v2"})
    assert seen.other_version == ("autoscaling/v1", "HorizontalPodAutoscaler")
    assert seen.empty


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (annotations.ANNOTATION_DIGEST, None),
        (annotations.ANNOTATION_GENERATION, "seven"),
        (annotations.ANNOTATION_TENANT, "Not A Name"),
        (annotations.ANNOTATION_STEP, "a.b.>"),
    ],
)
def test_a_broken_annotation_is_told_and_nothing_else_is(annotation: str, value: str | None) -> None:
    obj = live(annotated(deployment()))
    if value is None:
        del obj["metadata"]["annotations"][annotation]
    else:
        obj["metadata"]["annotations"][annotation] = value
    seen = read(obj)
    assert seen.owned is None
    assert seen.problem
    assert seen.name == "Deployment acme-dev/web"


def test_nothing_is_kept_of_a_secrets_values() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"password": "canary"},
        "stringData": {"password": "canary"},
    }
    assert "canary" not in repr(read(live(annotated(secret, step="web=secret=s"))))


def test_the_rule_travels_as_data_for_kinds_that_nobody_has_heard_of() -> None:
    rule = {
        "success": {
            "op": "compare",
            "left": {"op": "field", "path": "status.health"},
            "comparison": "==",
            "right": {"op": "value", "value": "fine"},
        }
    }
    manifest = {"apiVersion": "example.org/v1", "kind": "Gadget", "metadata": {"name": "g"}, "status": {}}
    obj = live(annotated(manifest))
    obj["metadata"]["annotations"][annotations.ANNOTATION_RULE] = json.dumps(rule)
    before, after = read_owned(obj), read_owned({**obj, "status": {"health": "fine"}})
    assert before is not None
    assert after is not None
    assert (before.verdict, after.verdict) == (Verdict.PROGRESSING, Verdict.SUCCEEDED)


def test_a_bare_pod_that_is_not_ours_is_not_kept() -> None:
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n", "uid": "p"}}
    assert read(bare).empty
    owner = live(deployment(), uid="o")
    assert not read({**bare, "metadata": {**bare["metadata"], **owned_by(owner)}}).empty  # type: ignore[dict-item]  # plain JSON
