"""From bytes to the document: one map, in JSON or YAML, within the limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.contracts.plan import Finding
from shared.planning.findings import DocumentRejected
from shared.planning.json_text import NotJson, load_json
from shared.planning.limits import DEFAULT_LIMITS, Limits
from shared.planning.trees import listing, mapping, path_text
from shared.planning.yaml_text import YamlProblem, load_yaml, load_yaml_documents


def parse_document(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    """Read a document.

    Raises:
        DocumentRejected: with one finding that says what is wrong and where.
    """
    if len(raw) > limits.body_bytes:
        raise _rejected(
            "TooLarge",
            f"the document has {len(raw)} bytes, {limits.body_bytes} are allowed",
            "Move large data out of the document, or make several applications of it.",
        )
    with _rejecting():
        document = _value(_text(raw), limits)
    if document is None:
        raise _rejected("Empty", "the document is empty", "Send an Application in YAML or JSON.")
    if not isinstance(document, dict):
        found = "a list" if isinstance(document, list) else "a single value"
        raise _rejected(
            "WrongType", f"line 1, column 1: the document is {found}, not a map", "It begins with `apiVersion:`."
        )
    check_counts(document, limits)
    return document


def parse_stream(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> list[Any]:
    """Read every document of a file with one or several of them, as Kubernetes' tools write objects; none is empty.

    Raises:
        DocumentRejected: with one finding that says what is wrong and where.
    """
    with _rejecting():
        return _values(_text(raw), limits)


@contextmanager
def _rejecting() -> Iterator[None]:
    try:
        yield
    except YamlProblem as problem:
        raise _rejected(problem.code, problem.message, problem.remedy, problem.path) from problem


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise _rejected(
            "InvalidText", f"line {line}, column {column}: this is not UTF-8", "Send the document as UTF-8 text."
        ) from error


def _value(text: str, limits: Limits) -> Any:
    found = _json(text, limits)
    return load_yaml(text, limits) if found is None else found


def _values(text: str, limits: Limits) -> list[Any]:
    found = _json(text, limits)
    return load_yaml_documents(text, limits) if found is None else [found]


def _json(text: str, limits: Limits) -> Any:
    """JSON has escapes that YAML's reader does not know; what is not quite JSON (None) may still be YAML."""
    if text.lstrip().startswith("{"):
        try:
            return load_json(text, limits)
        except NotJson:
            pass
    return None


def check_counts(document: dict[str, Any], limits: Limits) -> None:
    """Before anything looks closer at them.

    Raises:
        DocumentRejected: there are more components, traits or policies than the limits allow.
    """
    components = listing(mapping(document.get("spec")).get("components"))
    traits = [len(listing(mapping(c).get("traits"))) for c in components]
    for what, count, most in (
        ("components", len(components), limits.components),
        ("traits", sum(traits), limits.traits),
    ):
        if count > most:
            raise _rejected(
                "TooMany", f"{count} {what}, {most} are allowed", "Make several applications of it.", "spec.components"
            )
    _check_policies(listing(mapping(document.get("spec")).get("policies")), limits)
    for index, count in enumerate(traits):
        if count > limits.traits_of_component:
            message = f"{count} traits of one component, {limits.traits_of_component} are allowed"
            where = f"spec.components[{index}].traits"
            raise _rejected("TooMany", message, "Join traits of one type.", where)


def _check_policies(policies: list[Any], limits: Limits) -> None:
    if len(policies) > limits.policies:
        message = f"{len(policies)} policies, {limits.policies} are allowed"
        raise _rejected("TooMany", message, "Join policies of one type.", "spec.policies")
    entries = 0
    for index, policy in enumerate(policies):
        for field, value in mapping(mapping(policy).get("properties")).items():
            entries += len(listing(value))
            if entries > limits.policy_entries:
                message = f"more than {limits.policy_entries} entries in the lists of all policies"
                where = path_text(f"spec.policies[{index}].properties", field)
                raise _rejected("TooMany", message, "Make several applications of it.", where)


def _rejected(code: str, message: str, remedy: str = "", path: str = "") -> DocumentRejected:
    return DocumentRejected([Finding(path=path, code=code, message=message, remedy=remedy)])
