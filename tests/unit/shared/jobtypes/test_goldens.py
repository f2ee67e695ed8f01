"""What every entry renders is what its golden file says, and the golden files use every parameter.

After a wanted change: `python -m tests.unit.shared.jobtypes.write_goldens NAME…`, and read the difference.
"""

import copy
from pathlib import Path

import pytest

from shared.contracts.canonical import canonical_json
from tests.support import goldens


@pytest.mark.parametrize("path", goldens.paths(), ids=lambda path: path.stem)
def test_component_renders_to_its_golden_objects(path: Path) -> None:
    component = goldens.component_of(path)
    given = copy.deepcopy(component)
    actual = goldens.outcome(given)
    assert given == component, "rendering changed the document"
    assert canonical_json(goldens.golden_of(path)) == canonical_json(actual)


@pytest.mark.parametrize("stem", sorted(goldens.entries()))
def test_golden_files_of_an_entry_use_all_its_parameters(stem: str) -> None:
    given = goldens.properties_given(stem)
    assert given, f"no {stem}.yaml that uses it"
    unused = list(goldens.unused_parameters(goldens.entries()[stem].parameters, given))
    assert unused == []


def test_every_golden_file_belongs_to_an_entry() -> None:
    stems = {path.name.split(".")[0] for path in goldens.paths()}
    assert stems <= goldens.entries().keys()
