"""Labels and annotations of an application that only KubeVela reads."""

import pytest

from shared.planning import check_document
from tests.support.planning import REGISTRY, component, document

WEB = component("web")


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("annotations", "app.oam.dev/publishVersion"),
        ("annotations", "app.oam.dev/autoUpdate"),
        ("annotations", "app.oam.dev/restart-workflow"),
        ("annotations", "app.oam.dev/workflowName"),
        ("annotations", "app.oam.dev/service-account-name"),
        ("annotations", "app.oam.dev/controller-version-require"),
        ("annotations", "app.oam.dev/reconcile-interval"),
        ("annotations", "app.oam.dev/disable-health-check"),
        ("annotations", "filter.oam.dev/label-keys"),
        ("annotations", "filter.oam.dev/annotation-keys"),
        ("annotations", "app.oam.dev/of-a-later-version"),
        ("labels", "controller.core.oam.dev/pause"),
        ("labels", "app.oam.dev/adopt"),
        ("labels", "kubemin.dev/start-timeout"),
    ],
)
def test_what_only_kubevela_reads_off_an_application_is_warned_of(field: str, key: str) -> None:
    _, (warning,) = check_document(document(WEB, metadata={field: {key: "true", "team": "blue"}}), REGISTRY)
    assert (warning.path, warning.code) == (f'metadata.{field}["{key}"]', "NoEffect")
    assert warning.message.startswith(f"{key!r} has no effect: ")
    assert check_document(document(WEB, metadata={field: {key: "false"}}), REGISTRY)[1] == []
