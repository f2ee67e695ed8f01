"""Labels and annotations of an Application that say something to KubeVela and nothing here.

Source: https://github.com/kubevela/kubevela/blob/master/pkg/oam/labels.go
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.contracts.plan import Finding
from shared.planning.trees import path_text


@dataclass(frozen=True)
class _Why:
    """Why nothing comes of a key."""

    text: str
    """After `has no effect: `."""
    remedy: str = ""


_ACCOUNT = _Why("objects are applied as the tenant's service account")
_FILTER = _Why("objects get every label and annotation that is given to them", "Take out what they are not to have.")
_KNOWN: Mapping[str, Mapping[str, _Why]] = {
    "annotations": {
        "app.oam.dev/publishVersion": _Why("a document is carried out when it is sent"),
        "app.oam.dev/autoUpdate": _Why("types are part of KubeMin, and none is read from a cluster"),
        "app.oam.dev/restart-workflow": _Why("a run starts when a document is sent, and at no other time"),
        "app.oam.dev/workflowName": _Why("there are no workflows", "Order components by `dependsOn`."),
        "app.oam.dev/service-account-name": _ACCOUNT,
        "app.oam.dev/username": _ACCOUNT,
        "app.oam.dev/group": _ACCOUNT,
        "app.oam.dev/controller-version-require": _Why("it asks for a version of KubeVela"),
        "app.oam.dev/reconcile-interval": _Why("drift is set back when it is seen, and not at intervals"),
        "app.oam.dev/disable-health-check": _Why(
            "it counts on objects, which are not given it", "Give it to a component with the trait `annotations`."
        ),
        "filter.oam.dev/label-keys": _FILTER,
        "filter.oam.dev/annotation-keys": _FILTER,
    },
    "labels": {
        "controller.core.oam.dev/pause": _Why("it does not pause anything, and drift is set back all the same"),
    },
}
"""By field of the metadata and key."""
_NOT_GIVEN = {"annotations": ("app.oam.dev/",), "labels": ("app.oam.dev/", "kubemin.dev/")}
"""By field of the metadata: what objects do not inherit, and nobody else looks at."""


def without_effect(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Iterator[Finding]:
    """A warning for each of these keys; one that is `"false"` would have none in KubeVela either."""
    for field, given in (("labels", labels), ("annotations", annotations)):
        for key, value in given.items():
            why = _KNOWN[field].get(key)
            if why is None and key.startswith(_NOT_GIVEN[field]):
                why = _Why(f"objects are not given what begins with {key.partition('/')[0]}/")
            if why is not None and value != "false":
                path = path_text(f"metadata.{field}", key)
                message = f"{key!r} has no effect: {why.text}"
                yield Finding(path=path, code="NoEffect", message=message, remedy=why.remedy)
