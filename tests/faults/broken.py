"""Documents that must be refused, each with the status, the code and the place of what is wrong with it.

Small texts are files in `tests/corpus`; here is what is larger, binary, or one rule's violation in a sound document.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.names import NAMES
from tests.faults.sound import document, trait, web
from tests.faults.violations import VIOLATIONS

WHOLE = ""
"""The path of what is wrong with the document as a whole."""
_CORPUS = Path(__file__).parent.parent / "corpus"
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Broken:
    """One document."""

    name: str
    make: Callable[[str], bytes]
    """For a namespace."""
    status: int
    code: str
    path: str


def files() -> Iterator[Broken]:
    """The files of the corpus; they do not get as far as their namespace."""
    for line in (_CORPUS / "expected.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, status, code, path = line.split()
            yield Broken(name, _same((_CORPUS / name).read_bytes()), int(status), code, path.removeprefix("."))


def _same(raw: bytes) -> Callable[[str], bytes]:
    return lambda _namespace: raw


def raw_texts() -> Iterator[Broken]:
    """Bytes that no file should hold."""

    def case(name: str, raw: Callable[[], bytes], status: int, code: str, path: str = WHOLE) -> Broken:
        return Broken(name, lambda _namespace: raw(), status, code, path)

    yield case("binary", lambda: b"\x7fELF" + os.urandom(4096), 400, "InvalidText")
    yield case("gzip", lambda: b"\x1f\x8b\x08\x00" + bytes(64), 400, "InvalidText")
    yield case("UTF-16", lambda: "a: 1".encode("utf-16"), 400, "InvalidText")
    yield case("Latin-1", lambda: "a: ü".encode("latin-1"), 400, "InvalidText")
    yield case("overlong UTF-8", lambda: b"a: \xc0\xaf", 400, "InvalidText")
    yield case("NUL", lambda: b"a: \x00", 400, "InvalidText")
    yield case("escape character", lambda: b"a: \x1b[31mred", 400, "InvalidText")
    yield case("10 MB", lambda: b"a: " + b"x" * 10_000_000, 413, "TooLarge")
    yield case("10 MB of JSON", lambda: b'{"a": "' + b"x" * 10_000_000 + b'"}', 413, "TooLarge")
    yield case("one byte too many", lambda: b"#" * (_MEBIBYTE + 1), 413, "TooLarge")
    yield case("lists in lists", lambda: b"[" * 100_000, 400, "TooDeep", "[0]" * 64)
    yield case(
        "JSON lists in a map",
        lambda: b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        400,
        "TooDeep",
        "a" + "[0]" * 63,
    )
    yield case(
        "JSON maps in maps", lambda: b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, "TooDeep", ".".join("a" * 64)
    )
    yield case("YAML maps in maps", _nested_yaml, 400, "TooDeep", ".".join("a" * 64))
    yield case("billion laughs", _laughs, 413, "TooLarge", "a5[0]")
    yield case("billion laughs in maps", _laughs_in_maps, 413, "TooLarge", "a15.x")
    yield case("quadratic text", _quadratic, 413, "TooLarge", "b[9]")
    yield case("many nodes", lambda: b"a: [" + b"1," * 300_000 + b"1]", 413, "TooLarge", "a[199997]")


def _nested_yaml() -> bytes:
    return "".join(f"{' ' * depth}a:\n" for depth in range(1000)).encode()


def _laughs() -> bytes:
    lines = [f"a0: &a0 [{', '.join(['a'] * 10)}]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    return "\n".join(lines).encode()


def _laughs_in_maps() -> bytes:
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{i}: &a{i} {{x: *a{i - 1}, y: *a{i - 1}}}" for i in range(1, 30)]
    return "\n".join(lines).encode()


def _quadratic() -> bytes:
    return b"a: &a " + b"x" * 100_000 + b"\nb: [" + b"*a," * 1000 + b"*a]"


def rules() -> Iterator[Broken]:
    """One violation of each rule."""
    for name, code, path, components, rest in (*VIOLATIONS, *NAMES):
        yield Broken(name, _json(components, rest), 422, code, path)
    yield Broken("no spec", _without("spec"), 422, "Required", "spec")
    yield Broken("no kind", _without("kind"), 422, "Required", "kind")
    yield Broken("no metadata", _without("metadata"), 422, "Required", "metadata")
    yield Broken("other version", _with(apiVersion="core.oam.dev/v1alpha2"), 422, "Unsupported", "apiVersion")
    yield Broken("other kind", _with(kind="Deployment"), 422, "Unsupported", "kind")
    yield Broken("kind is null", _with(kind=None), 422, "Required", "kind")
    yield Broken("spec is a list", _with(spec=[]), 422, "WrongType", "spec")
    yield Broken("metadata is a text", _with(metadata="x"), 422, "WrongType", "metadata")
    yield Broken(
        "too many components", _json([web(f"w{i}") for i in range(2001)], {}), 400, "TooMany", "spec.components"
    )
    traits = [trait("scaler", replicas=1)] * 10_001
    yield Broken("too many traits", _json([web("web", *traits)], {}), 400, "TooMany", "spec.components")


def _json(components: Sequence[Any], rest: Mapping[str, Any]) -> Callable[[str], bytes]:
    return lambda namespace: json.dumps(document(namespace, *components, **rest)).encode()


def _without(key: str) -> Callable[[str], bytes]:
    return lambda namespace: json.dumps({k: v for k, v in document(namespace, web()).items() if k != key}).encode()


def _with(**fields: Any) -> Callable[[str], bytes]:
    return lambda namespace: json.dumps({**document(namespace, web()), **fields}).encode()


ALL = (*files(), *raw_texts(), *rules())
