"""Documents in KubeMin-Cli's JSON dialect, and golden files of what they become.

`<name>.json` is a document, `<name>.yaml` what is made of it: warnings, the OAM Application, and the planned objects.
"""

import copy
import json
from pathlib import Path
from typing import Any

import yaml

from shared.contracts.identity import AppName, AppRef, AppUid, ClusterName, Namespace, Tenant
from shared.contracts.plan import Manifest, Placement, Plan
from shared.dialect import Converted, convert
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, plan_document

Document = dict[str, Any]

DIRECTORY = Path(__file__).resolve().parents[1] / "unit" / "shared" / "dialect" / "goldens"
_OURS = ("kubemin.dev/", "app.oam.dev/", "app.kubernetes.io/managed-by")


def paths() -> list[Path]:
    """The documents."""
    return sorted(DIRECTORY.glob("*.json"))


def document_of(path: Path) -> Document:
    """What a file holds."""
    document: Document = json.loads(path.read_text(encoding="utf-8"))
    return document


def component(name: str = "web", type_: str = "webservice", /, **given: Any) -> Document:
    """A component; a workload has an image."""
    image = {"image": "nginx:1.27"} if type_ in ("webservice", "store") else {}
    return {"name": name, "type": type_, **image, **given}


def document(*components: Document, **given: Any) -> Document:
    """An application."""
    return {"name": "shop", "component": list(components) or [component()], **given}


def with_traits(**traits: Any) -> Document:
    """An application of one webservice that has them."""
    return document(component(traits=traits))


def refused(document: Document) -> set[tuple[str, str]]:
    """Code and place of everything that is wrong with a document by the dialect's own rules."""
    try:
        convert(document)
    except DocumentRejected as error:
        return {(finding.code, finding.path) for finding in error.findings}
    return set()


def warned(document: Document) -> set[tuple[str, str]]:
    """Code and place of every warning of the conversion."""
    return {(finding.code, finding.path) for finding in convert(document).warnings}


def planned(application: Document) -> Plan:
    """The plan of an OAM document for one cluster."""
    return plan_document(
        application,
        ref=AppRef(
            tenant=Tenant("acme"),
            namespace=Namespace(application["metadata"].get("namespace", "default")),
            name=AppName("shop"),
        ),
        uid=AppUid("a1b2c3"),
        generation=1,
        placements=(Placement(cluster=ClusterName("dev")),),
        registry=BUILTIN,
    )


def objects(plan: Plan) -> list[Manifest]:
    """All objects in the order of their steps, without the marks of the platform."""
    return [_unmarked(obj.manifest) for step in plan.steps for obj in step.objects]


def objects_of(document: Document) -> list[Manifest]:
    """What a document in the dialect renders to."""
    return objects(planned(convert(document).document))


def outcome(converted: Converted) -> Document:
    """What a golden file says."""
    plan = planned(converted.document)
    warnings = [*converted.warnings, *converted.paths.findings(plan.warnings)]
    return {
        "warnings": [f"{one.path}: {one.code}: {one.message}" for one in warnings],
        "application": converted.document,
        "waits": {step.step: list(step.depends_on) for step in plan.steps},
        "objects": objects(plan),
    }


def write(path: Path) -> bool:
    """Write what is made of a document anew; returns whether it changed."""
    target = path.with_suffix(".yaml")
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    made = copy.deepcopy(outcome(convert(document_of(path))))
    after = yaml.dump(made, Dumper=_Dumper, sort_keys=False, width=110)
    if after != before:
        target.write_text(after, encoding="utf-8")
    return after != before


def _unmarked(manifest: Manifest) -> Manifest:
    kept = copy.deepcopy(manifest)
    for field in ("labels", "annotations"):
        marks = kept["metadata"].pop(field, {})
        own = {key: value for key, value in marks.items() if not key.startswith(_OURS)}
        if own:
            kept["metadata"][field] = own
    return kept


class _Dumper(yaml.SafeDumper):
    """Writes everything out: an anchor is nothing to read."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True
