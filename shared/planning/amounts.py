"""Amounts of resources that Kubernetes refuses of a container although each of them is well written.

Source: `ValidateContainerResourceRequirements` of k8s.io/kubernetes, release 1.36.
"""

from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, NamedTuple

from shared.contracts.plan import Manifest
from shared.contracts.quantities import amount
from shared.jobtypes.templates import pod_template
from shared.planning.places import Place, Places
from shared.planning.trees import listing, mapping

REQUESTS, LIMITS = "requests", "limits"
_NANO = Decimal("1e-9")
_BEYOND = 2**63
"""What is as large is not compared: Kubernetes caps it, or does not, by the number of its digits."""


class WrongAmount(NamedTuple):
    """An amount that does not go."""

    field: str
    """`requests` or `limits`."""
    resource: str
    given: Any
    against: Any
    """The limit that it contradicts; None where there is none."""
    code: str
    message: str
    remedy: str


def wrong_amounts(manifest: Manifest) -> Iterator[WrongAmount]:
    """Of the containers of the object's pods."""
    spec = mapping(mapping(pod_template(manifest)).get("spec"))
    for group in ("initContainers", "containers"):
        for container in map(mapping, listing(spec.get(group))):
            yield from _of_container(str(container.get("name", "")), mapping(container.get("resources")))


def _of_container(name: str, resources: Mapping[str, Any]) -> Iterator[WrongAmount]:
    requests, limits = mapping(resources.get(REQUESTS)), mapping(resources.get(LIMITS))
    for field, amounts in ((REQUESTS, requests), (LIMITS, limits)):
        for resource, given in amounts.items():
            number = _number(given) if _is_extended(resource) else None
            if number is not None and number != number.to_integral_value():
                message = f"container {name!r} has {field} of {given} {resource}, which is only given whole"
                yield WrongAmount(field, resource, given, None, "WholeNumberNeeded", message, "Give a whole number.")
    for resource, given in requests.items():
        limit = limits.get(resource)
        number, most = _number(given), _number(limit)
        if number is None or most is None:
            continue
        words = f"container {name!r} requests {given} of {resource}, and its limit is {limit}"
        if number > most:
            remedy = "Request less, or raise the limit."
            yield WrongAmount(REQUESTS, resource, given, limit, "RequestAboveLimit", words, remedy)
        elif number < most and (_is_extended(resource) or resource.startswith("hugepages-")):
            message, remedy = f"{words}: of this resource they must be equal", "Request as much, or lower the limit."
            yield WrongAmount(REQUESTS, resource, given, limit, "RequestBelowLimit", message, remedy)


def place_of(wrong: WrongAmount, places: Places) -> str:
    """Where the document gives the amount: with the limit beside it, as a request or limit, or as both."""
    given, resource, field = str(wrong.given), wrong.resource, wrong.field

    def so_given(place: Place) -> bool:
        return place.elements[-2:] == (field, resource)

    def beside_it(place: Place) -> bool:
        return so_given(place) and place.beside(2, LIMITS, resource) == wrong.against

    return places.of(given, beside_it, so_given, lambda place: place.elements[-1:] == (resource,))


def _is_extended(resource: str) -> bool:
    """Whether it is neither Kubernetes' own nor to be shared: devices, for one."""
    return "/" in resource and "kubernetes.io/" not in resource and not resource.startswith("requests.")


def _number(given: Any) -> Decimal | None:
    """The amount as Kubernetes keeps it; None for what is none, which is told elsewhere, and for what is enormous."""
    written = isinstance(given, str | int | float) and not isinstance(given, bool)
    number = amount(str(given)) if written else None
    return None if number is None or number >= _BEYOND else number.quantize(_NANO, ROUND_CEILING)
