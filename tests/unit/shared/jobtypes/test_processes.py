"""What is planned is the same in every process, whatever the order in which it happens to keep its sets."""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.contracts.canonical import digest
from shared.contracts.desired import CopiedObjects
from shared.dialect import convert
from shared.jobtypes.builtin import BUILTIN
from shared.planning.policies import POLICY_TYPES
from tests.fuzz import seeds
from tests.support import dialect, goldens
from tests.support.planning import planned

_ROOT = Path(__file__).resolve().parents[4]
_SEEDS = ("0", "1")
_TIMEOUT_S = 60


@functools.cache
def digests() -> dict[str, str]:
    """Of every golden component as rendered and as planned, every document in the dialect, and all policies."""
    found: dict[str, str] = {}
    for path in goldens.rendering_paths():
        component = goldens.component_of(path)
        found[path.stem] = digest(goldens.as_data(goldens.rendered(component)))
        copies = [CopiedObjects(component=component["name"], objects=tuple(component.pop("copies", ())))]
        found[f"plan of {path.stem}"] = _planned(seeds.application([component]), copies)
    for path in dialect.paths():
        found[path.stem] = _planned(convert(dialect.document_of(path)).document)
    found["policies"] = _planned(seeds.with_policies())
    return found


def _planned(document: dialect.Document, copies: Sequence[CopiedObjects] = ()) -> str:
    return digest(planned(document, registry=BUILTIN, copies=copies).model_dump(mode="json"))


@pytest.mark.parametrize("seed", _SEEDS)
def test_processes_plan_the_same_bytes(seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.shared.jobtypes.test_processes"],
        capture_output=True,
        check=True,
        cwd=_ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        timeout=_TIMEOUT_S,
    )
    assert json.loads(done.stdout) == digests()


def test_every_entry_is_among_them() -> None:
    used = {component["type"] for component in map(goldens.component_of, goldens.rendering_paths())}
    used |= {t["type"] for p in goldens.rendering_paths() for t in goldens.component_of(p).get("traits", ())}
    names = {name: entry.name for known in (BUILTIN.job_types, BUILTIN.traits) for name, entry in known.items()}
    entries = {e.name for known in (BUILTIN.job_types, BUILTIN.traits) for e in known.values() if not e.refusal}
    assert {names[one] for one in used} == entries
    assert {policy["type"] for policy in seeds.with_policies()["spec"]["policies"]} == set(POLICY_TYPES)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(digests()))
