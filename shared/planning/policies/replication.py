"""`replication`: several copies of components, one for each key.

Differs from KubeVela, where the copies of built-in types bear one name and overwrite each other, and where a policy
that no `deploy` step names does nothing: here each copy is a component `<component>-<key>` of its own.
"""

from dataclasses import replace
from typing import Annotated

from pydantic import ConfigDict, Field

from shared.contracts.identity import DNS_LABEL
from shared.contracts.naming import joined
from shared.contracts.plan import Finding
from shared.jobtypes.base import Parameters, Registry
from shared.planning.composing import Given
from shared.planning.findings import did_you_mean
from shared.planning.limits import DEFAULT_LIMITS
from shared.planning.policies.base import Composition, PolicyType


class ReplicationParameters(Parameters):
    """Which components to copy, and for which keys."""

    model_config = ConfigDict(extra="forbid")

    keys: Annotated[list[Annotated[str, Field(pattern=DNS_LABEL)]], Field(min_length=1)]
    """One copy for each."""
    selector: Annotated[list[str], Field(min_length=1)]
    """Names of components."""


def _compose(parameters: ReplicationParameters, path: str, so_far: Composition, _registry: Registry) -> Composition:
    keys = list(dict.fromkeys(parameters.keys))
    names = {one.component.name for one in so_far.components}
    wanted = names.intersection(parameters.selector)
    count = sum(one.component.name in wanted for one in so_far.components) * (len(keys) - 1) + len(so_far.components)
    if count > DEFAULT_LIMITS.components:
        message = f"it makes {count} components of them, {DEFAULT_LIMITS.components} are allowed"
        too_many = Finding(path=f"{path}.keys", code="TooMany", message=message, remedy="Give fewer keys.")
        return replace(so_far, errors=(*so_far.errors, too_many))
    copied = {name: {key: joined(name, key) for key in keys} for name in parameters.selector if name in names}
    errors = [
        Finding(
            path=f"{path}.selector[{index}]",
            code="UnknownComponent",
            message=f"there is no component {name!r}",
            remedy=did_you_mean(name, names),
        )
        for index, name in enumerate(parameters.selector)
        if name not in names
    ]
    made = {name for copies in copied.values() for name in copies.values()}
    errors += [
        Finding(path=f"{path}.keys", code="DuplicateComponent", message=f"there is a component {name!r} already")
        for name in sorted(made & names)
    ]
    components: list[Given] = []
    for one in so_far.components:
        copies = copied.get(one.component.name)
        if copies is None:
            components.append(_waiting(one, copied, ""))
        else:
            components += [_waiting(_copy(one, name), copied, key) for key, name in copies.items()]
    return replace(so_far, components=tuple(components), errors=(*so_far.errors, *errors))


def _copy(one: Given, name: str) -> Given:
    component = one.component.model_copy(update={"name": name})
    return replace(one, component=component, copy_of=one.copy_of or one.component.name)


def _waiting(one: Given, copied: dict[str, dict[str, str]], key: str) -> Given:
    """Who waits for a component waits for all its copies; a copy only for that of its own key."""
    wanted: list[str] = []
    for name in one.component.depends_on:
        copies = copied.get(name)
        if copies is None:
            wanted.append(name)
        else:
            wanted += [copies[key]] if key else copies.values()
    return replace(one, component=one.component.model_copy(update={"depends_on": tuple(wanted)}))


REPLICATION = PolicyType(
    name="replication",
    title="Several copies of components, one for each key",
    parameters=ReplicationParameters,
    compose=_compose,
    examples=({"keys": ["berlin", "lisbon"], "selector": ["web"]},),
)
