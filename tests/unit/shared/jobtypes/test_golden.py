"""Each golden file holds a component and what it renders to.

After a wanted change write them anew with KUBEMIN_UPDATE_GOLDEN=1 and read the difference.
"""

import copy
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.contracts.canonical import canonical_json
from shared.jobtypes.base import Rendering
from shared.jobtypes.builtin import BUILTIN

GOLDEN = Path(__file__).parent / "golden"
UPDATE = bool(os.environ.get("KUBEMIN_UPDATE_GOLDEN"))


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True


def _as_data(rendering: Rendering) -> dict[str, Any]:
    data = {
        "workload": rendering.workload,
        "others": list(rendering.others),
        "declared": [{**asdict(d), "mode": d.mode.value} for d in rendering.declared],
        "references": [r.model_dump() for r in rendering.references],
    }
    return {field: value for field, value in data.items() if value}


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.yaml")), ids=lambda p: p.stem)
def test_component_renders_to_its_golden_objects(path: Path, render: Callable[[dict[str, Any]], Rendering]) -> None:
    golden = yaml.safe_load(path.read_text())
    given = copy.deepcopy(golden["component"])
    actual = _as_data(render(given))
    assert given == golden["component"], "rendering changed the document"
    if UPDATE:
        # The head holds what the file shows, in comments, and the component as it was written.
        head = path.read_text().partition("\nrenders:")[0].rstrip()
        body = yaml.dump({"renders": actual}, Dumper=_NoAliases, sort_keys=False, allow_unicode=True, width=110)
        path.write_text(f"{head}\n\n{body}")
    assert canonical_json(yaml.safe_load(path.read_text()).get("renders")) == canonical_json(actual)


def test_every_entry_has_a_golden_file() -> None:
    used = set()
    for path in GOLDEN.glob("*.yaml"):
        component = yaml.safe_load(path.read_text())["component"]
        used |= {component["type"], *(trait["type"] for trait in component.get("traits", ()))}
    assert {job_type.name for job_type in BUILTIN.job_types.values()} <= used
    assert set(BUILTIN.traits) <= used
