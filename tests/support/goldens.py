"""Golden files: a component that uses an entry's parameters and, after `---`, what it renders to.

`<component|trait>-<name>.yaml` belongs to the registry entry of that name; `<component|trait>-<name>.<case>.yaml` holds
what does not go together with it, such as two spellings of one thing. `copies` of a component stand for what was read
for it. Comments before `---` are kept when files are written anew.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel

from shared.contracts.identity import AppUid, Namespace, Tenant
from shared.contracts.plan import Manifest
from shared.jobtypes.base import JobType, RenderContext, Rendering, Trait
from shared.jobtypes.builtin import BUILTIN

Document = dict[str, Any]
Entry = JobType[Any] | Trait[Any]

DIRECTORY = Path(__file__).resolve().parents[1] / "unit" / "shared" / "jobtypes" / "goldens"
NAMESPACE = "shop-prod"
SEPARATOR = "\n---\n"

CONTEXT = RenderContext(
    tenant=Tenant("acme"),
    namespace=Namespace(NAMESPACE),
    app_name="shop",
    app_uid=AppUid("a1b2c3"),
    component="web",
    path="spec.components[0]",
)


def entries() -> dict[str, Entry]:
    """The registry's entries by the stem of their golden file."""
    return {
        **{f"component-{entry.name}": entry for entry in BUILTIN.job_types.values()},
        **{f"trait-{entry.name}": entry for entry in BUILTIN.traits.values()},
    }


def paths(stem: str = "*") -> list[Path]:
    """The golden files of one entry, or of all."""
    return sorted({*DIRECTORY.glob(f"{stem}.yaml"), *DIRECTORY.glob(f"{stem}.*.yaml")})


def rendering_paths() -> list[Path]:
    """The golden files with objects."""
    return [path for path in paths() if not BUILTIN.job_types[component_of(path)["type"]].refusal]


def component_of(path: Path) -> Document:
    """The component that a golden file holds."""
    component: Document = yaml.safe_load(path.read_text(encoding="utf-8").partition(SEPARATOR)[0])
    return component


def golden_of(path: Path) -> Document | None:
    """What the component is to render to; None where it has not been written yet."""
    golden: Document | None = yaml.safe_load(path.read_text(encoding="utf-8").partition(SEPARATOR)[2])
    return golden


def rendered(component: Document, context: RenderContext = CONTEXT) -> Rendering:
    """Validate and render a component with its traits in order, by the registry alone."""
    job_type = BUILTIN.job_types[component["type"]]
    copies = tuple(component["copies"]) if "copies" in component else None
    own = replace(context, component=component["name"], copies=copies)
    rendering = job_type.render(own, job_type.parameters.model_validate(component.get("properties", {})))
    for index, entry in enumerate(component.get("traits", ())):
        trait = BUILTIN.traits[entry["type"]]
        parameters = trait.parameters.model_validate(entry.get("properties", {}))
        before = copy.deepcopy(rendering)
        after = trait.apply(replace(own, path=f"{context.path}.traits[{index}]"), parameters, rendering)
        assert rendering == before, "a trait changed the rendering it got"
        rendering = after
    return rendering


def manifests(rendering: Rendering) -> Iterator[Manifest]:
    """All objects in the order of their steps."""
    yield from (declared.manifest for declared in rendering.declared)
    yield from rendering.before
    if rendering.workload is not None:
        yield rendering.workload
    yield from rendering.others


def as_data(rendering: Rendering) -> Document:
    """What a golden file says of a rendering; empty parts are left out."""
    data = {
        "before": list(rendering.before),
        "workload": rendering.workload,
        "others": list(rendering.others),
        "declared": [{**asdict(declared), "mode": declared.mode.value} for declared in rendering.declared],
        "references": [reference.model_dump() for reference in rendering.references],
        "warnings": [warning.model_dump() for warning in rendering.warnings],
    }
    return {field: value for field, value in data.items() if value}


def outcome(component: Document) -> Document:
    """What a golden file says of its component: what is rendered, or with which sentence it is refused."""
    refusal = BUILTIN.job_types[component["type"]].refusal
    return {"refused": refusal} if refusal else as_data(rendered(component))


def write(path: Path) -> bool:
    """Write the file's second half anew; returns whether it changed."""
    before = path.read_text(encoding="utf-8")
    head = before.partition(SEPARATOR)[0].rstrip()
    body = yaml.dump(outcome(component_of(path)), Dumper=_Dumper, sort_keys=False, width=110)
    after = f"{head}{SEPARATOR}{body}"
    if after != before:
        path.write_text(after, encoding="utf-8")
    return after != before


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True


def properties_given(stem: str) -> list[Document]:
    """The properties that the golden files of an entry give to it."""
    kind, _, name = stem.partition("-")
    components = [component_of(path) for path in paths(stem)]
    used = components if kind == "component" else [t for c in components for t in c.get("traits", ())]
    names = {name, *entries()[stem].aliases}
    return [one.get("properties", {}) for one in used if one["type"] in names]


def unused_parameters(model: type[BaseModel], given: Iterable[Any], prefix: str = "") -> Iterator[str]:
    """Paths of the model's parameters that none of the given values has; of an unused one without its children."""
    values = [value for value in given if isinstance(value, Mapping)]
    for name, field in model.model_fields.items():
        key = field.alias or name
        found = [value[key] for value in values if key in value]
        if found:
            yield from _unused_within(field.annotation, found, f"{prefix}{key}")
        else:
            yield f"{prefix}{key}"


def _unused_within(annotation: Any, values: list[Any], path: str) -> Iterator[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from unused_parameters(annotation, values, f"{path}.")
    elif origin is Annotated:
        yield from _unused_within(arguments[0], values, path)
    elif origin in (Union, UnionType):
        for argument in arguments:
            yield from _unused_within(argument, values, path)
    elif origin is list:
        items = [item for value in values if isinstance(value, list) for item in value]
        yield from _unused_within(arguments[0], items, f"{path}[]")
    elif origin is dict:
        items = [item for value in values if isinstance(value, Mapping) for item in value.values()]
        yield from _unused_within(arguments[1], items, f"{path}.*")
