"""Every bench runs and yields its figures; how fast it is, is no matter of tests."""

import math

import pytest

from tests.bench import machine
from tests.bench.benches import BENCHES, Settings
from tests.bench.figures import Aim, Figure, Spread
from tests.bench.table import legend, table

ON_PLANE = ("chain", "footprint", "live")


@pytest.mark.timeout(600)
@pytest.mark.e2e
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.plane] if name in ON_PLANE else []) for name in BENCHES]
)
async def test_quick_form_yields_figures_beside_baselines(name: str) -> None:
    figures = await BENCHES[name].run(Settings(quick=True))
    assert figures
    for figure in figures:
        document = figure.document()
        assert document["name"] in table(figures)
        assert figure.of_baseline in legend(figures)
        assert len(figure.measured) == len(figure.baseline) > 0
        assert all(math.isfinite(value) for value in (*figure.measured, *figure.baseline))


def test_machine_facts_name_what_was_measured() -> None:
    assert {"cores", "memory_bytes", "python", "versions", "load_1_min"} <= set(machine.facts())


def test_ratio_is_taken_round_by_round() -> None:
    figure = Figure(
        name="f",
        unit="s",
        measured=[1.0, 4.0, 9.0],
        baseline=[1.0, 2.0, 3.0],
        of_baseline="roots",
        aim=Aim("ratio", "≥", 2),
    )
    assert figure.ratio == Spread(1.0, 2.0, 3.0)
    assert figure.difference == Spread(0.0, 2.0, 6.0)
    assert figure.met is True
