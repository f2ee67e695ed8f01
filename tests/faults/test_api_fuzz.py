"""Every operation of the API, called with what its own description allows, and with what it forbids.

The answers are compared with the description: status, media type, headers and body; and none is a 5xx.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks as openapi_checks

from services.gateway.web.openapi import openapi
from services.gateway.web.operations import BY_ID
from shared.bus import Bus, Parker
from shared.bus.parked import list_parked
from shared.contracts import subjects
from shared.contracts.identity import AppRef, ClusterName
from tests.faults.conftest import Tenant
from tests.faults.sound import document, web
from tests.support.gateway import GatewayStack
from tests.support.messages import a_fact

# Hundreds of calls each, and of large documents: on a busy machine that takes minutes.
pytestmark = pytest.mark.timeout(900, func_only=True)

CALL_TIMEOUT_S = 30
FUZZED = settings(
    max_examples=30,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
"""The same calls in every run: what is found is found by everybody."""

# A document may be described soundly and yet be refused for what it means; a key that nobody knows is a warning.
NOT_CHECKED: list[schemathesis.CheckFunction] = [
    openapi_checks.positive_data_acceptance,
    openapi_checks.negative_data_rejection,
]

Case = schemathesis.Case[Any]
description = schemathesis.openapi.from_dict(openapi())
# Without the systematic violations, which the other has.
plain = schemathesis.openapi.from_dict(
    openapi(), config=schemathesis.Config.from_dict({"phases": {"coverage": {"enabled": False}}})
)


@dataclass(frozen=True)
class Known:
    """What exists, to be asked for by name."""

    headers: Mapping[str, str]
    url: str
    path_parameters: Mapping[str, Any]


@pytest.fixture(scope="module")
async def known(gateway: GatewayStack, tenant: Tenant) -> Known:
    accepted = await tenant.boss.apply(document(tenant.namespace, web()))
    sequence = await a_parked_message(gateway, tenant)
    parameters = {
        "namespace": tenant.namespace,
        "app": "shop",
        "run": accepted.body["run"],
        "id": accepted.body["application"]["uid"],
        "task": accepted.body["run"],
        "sequence": sequence,
    }
    return Known(tenant.boss.headers, gateway.url, parameters)


async def a_parked_message(gateway: GatewayStack, tenant: Tenant) -> int:
    planner: Bus = await gateway.bus.connect("planner")
    agent = await gateway.bus.connect("cluster-east")
    app = AppRef(tenant=tenant.name, namespace=tenant.namespace, name="shop")
    await agent.publish(subjects.status(ClusterName("east"), app), a_fact(app=app))
    (delivery,) = await planner.consumer("STATUS", "planner-facts").fetch(1)
    await Parker(planner, "planner-facts").park(delivery, reason="HandlerFailed", error="")
    await delivery.ack()
    return [entry.sequence async for entry in list_parked(planner)][-1]


def check(case: Case, known: Known, *excluded: schemathesis.CheckFunction) -> None:
    case.call_and_validate(
        base_url=known.url,
        headers=dict(known.headers),
        excluded_checks=[*NOT_CHECKED, *excluded],
        timeout=CALL_TIMEOUT_S,
    )


# What `applyApplication` takes, read alike: systematic violations are tried on one of them.
@description.exclude(operation_id="convertDocument").parametrize()
@FUZZED
def test_no_call_breaks_the_gateway(case: Case, known: Known) -> None:
    # Whether it can be asked without a token is tried below: it takes two more calls for each that is answered.
    check(case, known, openapi_checks.ignored_auth)


@plain.exclude(operation_id="watchRun").parametrize()
@FUZZED
def test_calls_about_what_exists_are_answered_as_described(case: Case, known: Known) -> None:
    wanted = {name: value for name, value in known.path_parameters.items() if name in case.path_parameters}
    case.path_parameters.update(wanted)
    match case.body:
        case {"metadata": dict(metadata)}:
            metadata["namespace"] = known.path_parameters["namespace"]
    check(case, known)


def test_no_operation_is_left_out() -> None:
    assert {(path, method) for path in description for method in description[path]} == {
        (operation.path, operation.method.lower()) for operation in BY_ID.values()
    }


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


async def test_gateway_serves_what_is_described_and_nothing_else(known: Known) -> None:
    served = set()
    timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_S)
    async with aiohttp.ClientSession(known.url, headers=known.headers, timeout=timeout) as http:
        for path in description:
            for method in METHODS:
                async with http.request(method, path.format_map(AnyName())) as response:
                    assert response.status < 500, (method, path)
                    if response.status != 405:
                        served.add((path, method.lower()))
    assert served == {(path, method) for path in description for method in description[path]}


class AnyName(dict[str, str]):
    """A value for each parameter of a path."""

    def __missing__(self, key: str) -> str:
        return "a" * 24 if key == "id" else "1"
