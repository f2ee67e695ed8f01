"""Where inputs begin: the examples, the golden files, and hard texts, and what can be taken out of them."""

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shared.jobtypes.builtin import BUILTIN
from shared.planning.policies import POLICY_TYPES
from tests.support import dialect as dialect_goldens
from tests.support import goldens

_ROOT = Path(__file__).resolve().parents[2]
_HARD_TEXTS = (
    "a: &a [x]\nb: *a\n<<: {c: 1}\n",
    "a: &a {b: 1}\nc: {<<: *a, d: !!str 2}\n",
    "%YAML 1.2\n---\na: |+\n  b\n\n...\n",
    "? a\n: - >-\n    b\n  - 'c''d'\n",
    'a: "\\ud800\\x00\\u2028"\nb: .5e3\nc: 0o17\nd: 0x1F\n',
    '{"a": "\\ud83d\\ude00", "b": [1e5, -0.0, 9223372036854775807]}',
    "a: 2001-12-14\nb: ~\nc: yes\nd: 1_000\ne: 1:30\n",
)


@dataclass(frozen=True)
class Pool:
    """Everything that inputs can be made of."""

    inputs: tuple[bytes, ...]
    parts: dict[str, tuple[Any, ...]]
    """By key: the values that some document has there."""
    keys: tuple[str, ...]
    words: tuple[str, ...]
    """Names of types, and texts of documents."""


def pool(inputs: Sequence[bytes]) -> Pool:
    """What the inputs of a target offer."""
    parts: dict[str, list[Any]] = {}
    words: set[str] = {*BUILTIN.job_types, *BUILTIN.traits, *POLICY_TYPES}
    for raw in inputs:
        for key, value in _members(yaml.safe_load(raw) if raw not in _hard() else {}):
            parts.setdefault(key, []).append(value)
            if isinstance(value, str):
                words.add(value)
    found = {key: tuple(values) for key, values in sorted(parts.items())}
    return Pool(tuple(inputs), found, tuple(found), tuple(sorted(words)))


def texts() -> list[bytes]:
    """As people write them: with comments, and in every style."""
    written = [path.read_bytes() for path in (*_examples(), *goldens.paths())]
    return [*_hard(), *(raw.partition(b"\n---\n")[0] for raw in written), *dialect()]


def applications() -> list[bytes]:
    """Applications: the examples, and one of each golden component; every policy with the examples it documents."""
    return [_json(one) for one in _applications()]


def dialect() -> list[bytes]:
    """Documents in the dialect."""
    return [path.read_bytes() for path in dialect_goldens.paths()]


def components() -> list[bytes]:
    """Components by themselves."""
    return [_json(goldens.component_of(path)) for path in goldens.paths()]


def _applications() -> Iterator[Any]:
    for path in _examples():
        yield yaml.safe_load(path.read_bytes())
    for path in goldens.paths():
        yield application([goldens.component_of(path)])
    yield with_policies()


def with_policies() -> Any:
    """An application with every policy as it is documented."""
    policies = [
        {"name": f"{policy.name}-{index}", "type": policy.name, "properties": properties}
        for policy in POLICY_TYPES.values()
        for index, properties in enumerate(policy.examples)
    ]
    component = {"name": "web", "type": "webservice", "properties": {"image": "nginx:1.27"}}
    return application([component], policies)


def application(entries: list[Any], policies: Sequence[Any] = ()) -> Any:
    """An application of some components."""
    metadata = {"name": "shop", "namespace": goldens.NAMESPACE, "labels": {"a": "b"}, "annotations": {"c": "d"}}
    spec = {"components": entries, "policies": [*policies]}
    return {"apiVersion": "core.oam.dev/v1beta1", "kind": "Application", "metadata": metadata, "spec": spec}


def _examples() -> list[Path]:
    return sorted((_ROOT / "examples").glob("*/*.yaml"))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@functools.cache
def _hard() -> tuple[bytes, ...]:
    return tuple(text.encode() for text in _HARD_TEXTS)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key), item
            yield from _members(item)
    elif isinstance(value, list):
        for item in value:
            yield from _members(item)
