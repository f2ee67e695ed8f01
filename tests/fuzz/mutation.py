"""Makes one input out of another: texts by their characters and YAML's own, documents by their tree."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.fuzz.seeds import Pool

_SNIPPETS = tuple(
    text.encode()
    for text in (
        *(": ", "- ", "\n", "\n  ", "\n- ", "&a ", "*a", "<<: ", "? ", "!!int ", "!!binary ", "! ", "|\n", ">-\n"),
        *(
            "---\n",
            "...\n",
            "%YAML 1.1\n",
            "# x\n",
            "'",
            '"',
            "[",
            "]",
            "{",
            "}",
            ",",
            "\t",
            "\\",
            "\\u0000",
            "\\ud800",
        ),
        *(
            "~",
            "null",
            "0x",
            "0o8",
            "1e999",
            ".inf",
            ".nan",
            "-0",
            "9223372036854775808",
            "é",
            "\u2028",
            "\x85",
            "\x00",
        ),
    )
)
_SCALARS: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 65535, 65536, 2**31, 2**63 - 1, -(2**63), 0.5, 1e308, -0.0),
    *("", " ", "a", "-", ".", "*", "/", "a/b", "a.b", "A", "é", "\u2028", "\U0001f600", "x" * 64, "x" * 300, "$(A)"),
    *("0", "1", "-1", "1Gi", "500m", "1e3", "10%", "Always", "a=b", "default", "kube-system", "{", '["', "\\", "a\nb"),
    *([], {}, [[]], [{}], {"": ""}, [None], {"name": None}),
)
_MAX_GROWN = 400
_MAX_PLACES = 4


def mutated_text(raw: bytes, pool: Pool, random: Random) -> bytes:
    """Up to eight edits of the bytes."""
    data = bytearray(raw)
    for _ in range(random.randint(1, 8)):
        start = random.randint(0, len(data))
        end = min(len(data), start + random.choice((0, 1, 1, 2, 8, 40)))
        match random.randrange(5):
            case 0:
                data[start:end] = random.choice(_SNIPPETS)
            case 1:
                del data[start:end]
            case 2:
                data[start:start] = data[start:end] * random.choice((1, 2, 30))
            case 3:
                data[start:end] = random.randbytes(end - start)
            case _:
                other = random.choice(pool.inputs)
                cut = random.randint(0, len(other))
                data[start:end] = other[cut : cut + random.choice((4, 20, 200))]
    return bytes(data)


def mutated_document(raw: bytes, pool: Pool, random: Random) -> bytes:
    """A document with up to four other places; one of the pool where there is no document."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not document:
        return random.choice(pool.inputs)
    for _ in range(random.randint(1, _MAX_PLACES)):
        places = [*_places(document)]
        if not places:
            break
        parent, key = random.choice(places)
        random.choice(_EDITS)(parent, key, pool, random)
    return json.dumps(document, ensure_ascii=random.random() < 0.5).encode(errors="surrogatepass")


def _places(root: Any) -> Iterator[tuple[Any, Any]]:
    """Every place as its parent, and the key or index there; the root's own members first."""
    pending = [root]
    while pending:
        node = pending.pop()
        for key, item in node.items() if isinstance(node, dict) else enumerate(node):
            yield node, key
            if isinstance(item, dict | list):
                pending.append(item)


_Edit = Callable[[Any, Any, Pool, Random], None]


def _other_scalar(parent: Any, key: Any, _pool: Pool, random: Random) -> None:
    parent[key] = _copied(random.choice(_SCALARS))


def _other_text(parent: Any, key: Any, pool: Pool, random: Random) -> None:
    parent[key] = random.choice(pool.words)


def _other_part(parent: Any, key: Any, pool: Pool, random: Random) -> None:
    """What some document has under this key, mostly."""
    same = pool.parts.get(str(key)) if random.random() < 0.8 else None
    parent[key] = _copied(random.choice(same or pool.parts[random.choice(pool.keys)]))


def _without(parent: Any, key: Any, _pool: Pool, _random: Random) -> None:
    del parent[key]


def _one_more_key(parent: Any, _key: Any, pool: Pool, random: Random) -> None:
    name = random.choice(pool.keys)
    value = _copied(random.choice(pool.parts[name]))
    if isinstance(parent, dict):
        parent[name if random.random() < 0.9 else name + random.choice("sx-/.\u00e9")] = value
    else:
        parent.append(value)


def _edited(parent: Any, key: Any, _pool: Pool, random: Random) -> None:
    """The value a little different."""
    value = parent[key]
    if isinstance(value, bool) or value is None:
        parent[key] = not value
    elif isinstance(value, int | float):
        parent[key] = random.choice((value + 1, -value, value * 1000, str(value), float(value), [value]))
    elif isinstance(value, str):
        at = random.randint(0, len(value))
        middle = random.choice(("", "-", ".", "/", "A", "*", "\u00e9", " ", "1", "=", "\n", "x" * 70))
        parent[key] = value[:at] + middle + value[at + random.randint(0, 2) :]
    else:
        parent[key] = random.choice(([_copied(value)], {"name": _copied(value)}, json.dumps(value)[:200]))


def _repeated(parent: Any, key: Any, _pool: Pool, random: Random) -> None:
    """Twice, or so often that what is not linear shows."""
    value = parent[key]
    often = random.choice((1, 1, 1, 2, _MAX_GROWN))
    size = len(json.dumps(value))
    times = max(1, min(often, 50_000 // (size + 1)))
    if isinstance(parent, list):
        parent[key:key] = [_copied(value) for _ in range(times)]
    elif isinstance(value, str):
        parent[key] = value * times
    else:
        parent.update({f"{key}{number}": _copied(value) for number in range(times)})


_EDITS: tuple[_Edit, ...] = (
    *(_other_scalar, _other_text, _other_part, _other_part, _without, _one_more_key, _one_more_key, _edited, _edited),
    _repeated,
)


def _copied(value: Any) -> Any:
    """A copy of a JSON-like value: quicker than deepcopy."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value
