"""Types and their parameters, in the manner of `kubectl explain`."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cli.render.layout import Rows, indented
from cli.render.phases import BAD, HELD, QUIET
from cli.render.text import plain
from shared.catalogue.walking import Field
from shared.contracts.catalogue import TypeSummary, TypeView

_INDENT = 2
_DEEPER = 4


def listed(types: Sequence[TypeSummary]) -> RenderableType:
    """A line for each."""
    rows = Rows(("KIND", "NAME", "ALSO", "TITLE"))
    for each in types:
        rows.add(each.kind.value, plain(each.name), plain(", ".join(each.aliases)), note=_title(each))
    return rows


def _title(summary: TypeSummary) -> Text:
    title = Text(plain(summary.title))
    if summary.deprecated:
        title.append(f" (deprecated: use {plain(summary.successor)})", style=HELD)
    if not summary.supported:
        title.append(" (in a later version)", style=HELD)
    return title


def explained(view: TypeView, field: Field | None, children: Sequence[Field]) -> RenderableType:
    """The type, or a field of it, with the fields below it."""
    parts: list[RenderableType] = [Text(f"{view.kind.value.upper()}: {view.name}@v{view.version}", style="bold")]
    if field is None:
        parts += _type(view)
    else:
        parts += ["", _head("FIELD", field), "", *_section("DESCRIPTION", _described(field))]
    if children:
        parts += ["", Text("FIELDS:", style="bold")]
        for child in children:
            parts += [indented(_line(child), _INDENT), *(indented(t, _DEEPER) for t in _described(child)), ""]
        parts.pop()
    return Group(*parts)


def _type(view: TypeView) -> list[RenderableType]:
    parts: list[RenderableType] = ["", *_section("DESCRIPTION", _paragraphs(view.description, view.notes))]
    if view.aliases:
        parts += ["", *_section("ALSO CALLED", [Text(", ".join(view.aliases))])]
    if view.deprecated:
        parts += ["", *_section("DEPRECATED", [Text(f"use {plain(view.successor)}", style=HELD)])]
    if view.refusal:
        parts += ["", *_section("NOT YET", [Text(plain(view.refusal), style=HELD)])]
    if view.completion:
        said = [Text.assemble((each.kind, "bold"), f": {plain(each.words)}") for each in view.completion]
        parts += ["", *_section("CREATES", said)]
    for example in view.examples:
        parts += ["", *_section("EXAMPLE", [Text(line) for line in _yaml(dict(example))])]
    return parts


def _section(title: str, texts: Iterable[Text]) -> list[RenderableType]:
    return [Text(f"{title}:", style="bold"), *(indented(text, _DEEPER) for text in texts)]


def _paragraphs(*texts: str) -> list[Text]:
    found = [plain(paragraph) for text in texts for paragraph in text.split("\n\n") if paragraph.strip()]
    return [Text(paragraph) for paragraph in found]


def _head(title: str, field: Field) -> Text:
    return Text.assemble((f"{title}: ", "bold"), _line(field))


def _line(field: Field) -> Text:
    line = Text.assemble((plain(field.name), "bold"), (f" <{plain(field.type)}>", QUIET))
    if field.required:
        line.append(" -required-", style=BAD)
    if field.deprecated:
        line.append(" -deprecated-", style=HELD)
    return line


def _described(field: Field) -> list[Text]:
    texts = _paragraphs(field.description)
    facts = [
        ("Default", _json(field.default) if field.default is not None else ""),
        ("One of", ", ".join(_json(value) for value in field.values)),
        ("Must be", plain(field.bounds)),
    ]
    return [*texts, *(Text(f"{name}: {said}", style=QUIET) for name, said in facts if said)]


def _json(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _yaml(value: dict[str, Any]) -> list[str]:
    # Only whoever asks for an example waits for PyYAML.
    import yaml  # noqa: PLC0415

    return [line.rstrip() for line in yaml.safe_dump(value, sort_keys=False, allow_unicode=True).splitlines()]
