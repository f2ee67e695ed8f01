"""The policies of one application, taken together."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.contracts.plan import Collection, Finding, Treatment
from shared.jobtypes.base import Parameters, Registry
from shared.planning.composing import Given
from shared.planning.document import Application, Policy
from shared.planning.findings import did_you_mean
from shared.planning.limits import DEFAULT_LIMITS
from shared.planning.parameters import validate
from shared.planning.policies.base import Composition, Destination, Made, PolicyType, SecretPlace
from shared.planning.policies.builtin import POLICY_TYPES, RETIRED
from shared.planning.unknown_keys import unknown_keys

LOCAL = "local"
"""KubeVela's name for the default cluster."""


@dataclass(frozen=True, kw_only=True)
class DeclaredPolicy:
    """A policy of a document, well-formed."""

    index: int
    type: PolicyType[Any]
    parameters: Parameters

    @property
    def path(self) -> str:
        """Of its properties."""
        return f"spec.policies[{self.index}].properties"


@dataclass(frozen=True, kw_only=True)
class CheckedPolicy:
    """What a policy of a document is, or what is wrong with it."""

    policy: DeclaredPolicy | None = None
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


def check_policy(policy: Policy, index: int) -> CheckedPolicy:
    """Check one policy by itself."""
    path = f"spec.policies[{index}]"
    known = POLICY_TYPES.get(policy.type)
    if known is None:
        return CheckedPolicy(errors=(_unknown(policy.type, f"{path}.type"),))
    parameters, errors = validate(known.parameters, policy.properties, f"{path}.properties")
    unknown = tuple(unknown_keys(known.parameters, policy.properties, f"{path}.properties"))
    if parameters is None:
        return CheckedPolicy(errors=tuple(errors), warnings=unknown)
    declared = DeclaredPolicy(index=index, type=known, parameters=parameters)
    return CheckedPolicy(policy=declared, warnings=unknown)


def policy_warnings(policies: Sequence[DeclaredPolicy]) -> Iterator[Finding]:
    """About well-formed policies, taken together."""
    for type_, merged in _by_type(policies):
        for policy in policies:
            if policy.type is type_:
                yield from type_.warn(policy.parameters, policy.path, merged)


def _unknown(name: str, path: str) -> Finding:
    if name in RETIRED:
        message = f"policies of type {name!r} are no longer known"
        return Finding(path=path, code="Unsupported", message=message, remedy=RETIRED[name])
    message = f"there is no policy type {name!r}"
    return Finding(path=path, code="UnknownPolicyType", message=message, remedy=did_you_mean(name, POLICY_TYPES))


def declared(app: Application) -> tuple[DeclaredPolicy, ...]:
    """The policies of a checked application, in document order."""
    checked = (check_policy(policy, index).policy for index, policy in enumerate(app.spec.policies))
    return tuple(policy for policy in checked if policy is not None)


def destinations(policies: Sequence[DeclaredPolicy]) -> tuple[Destination, ...]:
    """Where the document wants to go, in its order; where it does not say, to the default cluster."""
    found = tuple(p.type.place(p.parameters, p.path) for p in policies if p.type.place is not None)
    return found or (Destination(),)


def composed(components: Iterable[Given], policies: Sequence[DeclaredPolicy], registry: Registry) -> Composition:
    """The components as policies leave them: type by type, those of one type in document order."""
    listed = tuple(components)
    composition = Composition(components=listed, seen=listed)
    size = _Size()
    for type_ in POLICY_TYPES.values():
        for policy in policies:
            if type_.compose is None or policy.type is not type_:
                continue
            after = type_.compose(policy.parameters, policy.path, composition, registry)
            problem = size.problem(after.components)
            if problem:
                finding = Finding(path=policy.path, code="TooMany", message=f"with this policy there are {problem}")
                return replace(composition, errors=(*after.errors, finding))
            composition = after
    return composition


class _Size:
    """What a document may have, components may have as policies leave them too; parts that they share count for each.

    Every part is counted once: `_counted` keeps it, so that no other is taken for it.
    """

    def __init__(self) -> None:
        self._counted: dict[int, tuple[Any, int]] = {}

    def problem(self, components: Sequence[Given]) -> str:
        """What there is too much of, and how many are allowed; an empty text where all is well."""
        traits = [len(one.component.traits) for one in components]
        limits = DEFAULT_LIMITS
        counts = (
            (len(components), limits.components, "components"),
            (sum(traits), limits.traits, "traits"),
            (max(traits, default=0), limits.traits_of_component, "traits of one component"),
            (sum(map(self._of_component, components)), limits.nodes, "values in all components"),
        )
        return next((f"{count} {what}, {most} are allowed" for count, most, what in counts if count > most), "")

    def _of_component(self, one: Given) -> int:
        properties = (one.component.properties, *(trait.properties for trait in one.component.traits))
        return sum(map(self._values, properties))

    def _values(self, value: Any) -> int:
        if not isinstance(value, dict | list):
            return 1
        if id(value) not in self._counted:
            items = value.values() if isinstance(value, dict) else value
            self._counted[id(value)] = (value, 1 + sum(map(self._values, items)))
        return self._counted[id(value)][1]


def treatments(policies: Sequence[DeclaredPolicy]) -> Callable[[Made], Treatment]:
    """How each object is treated."""
    merged = [(type_.treat, parameters) for type_, parameters in _by_type(policies) if type_.treat is not None]

    def treatment(made: Made) -> Treatment:
        result = Treatment()
        for treat, parameters in merged:
            result = treat(parameters, made, result)
        return result

    return treatment


def collection(policies: Sequence[DeclaredPolicy]) -> Collection:
    """How objects that are no longer wanted are deleted."""
    said = (type_.collect(parameters) for type_, parameters in _by_type(policies) if type_.collect is not None)
    return next(said, Collection())


def _by_type(policies: Sequence[DeclaredPolicy]) -> Iterator[tuple[PolicyType[Any], Parameters]]:
    for type_ in POLICY_TYPES.values():
        of_type = [policy.parameters for policy in policies if policy.type is type_]
        if of_type:
            yield type_, type_.merge(of_type)


def secret_places(
    policies: Sequence[DeclaredPolicy], components: Sequence[Given], registry: Registry
) -> Iterator[tuple[DeclaredPolicy, SecretPlace]]:
    """Properties within policies that may hold secret values."""
    for policy in policies:
        for place in policy.type.secret_places(policy.parameters, components, registry):
            yield policy, place
