"""Work grows with the square of the traits of one component: as many as are allowed take no time yet."""

import time
from collections.abc import Callable

import pytest

from shared.jobtypes.builtin import BUILTIN
from shared.planning import DEFAULT_LIMITS
from tests.support.planning import Document, component, document, planned

TRAITS: dict[str, Callable[[int], Document]] = {
    "env": lambda i: {"env": {f"A{i}": "b"}},
    "expose": lambda i: {"ports": [{"port": 1 + i}]},
    "gateway": lambda i: {"name": f"g{i}", "domain": "a.example", "http": {"/": 80 + i}},
    "hostalias": lambda i: {"hostAliases": [{"ip": f"10.0.0.{i}", "hostnames": ["a"]}]},
    "sidecar": lambda i: {"name": f"s{i}", "image": "x"},
    "storage": lambda i: {"pvc": [{"name": f"v{i}", "mountPath": f"/{i}"}]},
}


@pytest.mark.parametrize("type_", TRAITS)
def test_as_many_traits_as_a_component_may_have_are_planned_in_no_time(type_: str) -> None:
    most = DEFAULT_LIMITS.traits_of_component
    traits = [{"type": type_, "properties": TRAITS[type_](i)} for i in range(most)]
    web = component("web", "webservice", *traits, properties={"image": "nginx"})
    begun = time.process_time()
    planned(document(web), registry=BUILTIN)
    assert time.process_time() - begun < 1
