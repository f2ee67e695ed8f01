"""Checks what a document says in `spec.workflow`. Steps are not carried out yet; without any, KubeVela's default holds.

Source: https://kubevela.io/docs/end-user/workflow/overview
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from shared.contracts.plan import Finding
from shared.planning.document import Step, SubStep
from shared.planning.findings import MAX_FINDINGS, did_you_mean
from shared.planning.parameters import validate
from shared.planning.timeouts import DURATION_REMEDY, duration_s
from shared.planning.trees import listing, mapping

PATH = "spec.workflow"
_GROUP = "step-group"
_TYPES = frozenset(
    {
        "addon-operation",
        "apply-app",
        "apply-application",
        "apply-component",
        "apply-deployment",
        "apply-object",
        "apply-remaining",
        "apply-terraform-config",
        "apply-terraform-provider",
        "build-push-image",
        "chat-gpt",
        "check-metrics",
        "clean-jobs",
        "collect-service-endpoints",
        "create-config",
        "delete-config",
        "depends-on-app",
        "deploy",
        "deploy-cloud-resource",
        "deploy2env",
        "deploy2runtime",
        "export-data",
        "export-service",
        "export2config",
        "export2secret",
        "generate-jdbc-connection",
        "list-config",
        "notification",
        "print-message-in-status",
        "read-app",
        "read-config",
        "read-object",
        "request",
        "restart-workflow",
        "share-cloud-resource",
        _GROUP,
        "suspend",
        "vela-cli",
        "webhook",
    }
)
"""KubeVela's, those of older versions included."""


def orders_steps(workflow: Any) -> bool:
    """Whether steps are given, or named by a reference, instead of the default."""
    given = mapping(workflow)
    return bool(given.get("steps") or given.get("ref"))


def check_workflow(workflow: Any) -> tuple[list[Finding], list[Finding]]:
    """Errors and warnings, apart from those of its form; no more than anybody reads."""
    given = mapping(workflow)
    if not orders_steps(given):
        return [], list(_mode_alone(given))
    steps = list(_steps(given))
    each = chain.from_iterable(_step(path, step) for path, step in steps)
    ungrouped = chain.from_iterable(_ungrouped(path, step) for path, step in steps)
    errors = chain(_both(given), _unsupported(), _names(steps), _dependencies(steps), each)
    return list(islice(errors, MAX_FINDINGS + 1)), list(islice(ungrouped, MAX_FINDINGS + 1))


def _steps(workflow: dict[str, Any]) -> Iterator[tuple[str, SubStep]]:
    """The well-formed ones with their paths and names, each group before what is in it."""
    for i, entry in enumerate(listing(workflow.get("steps"))):
        path = f"{PATH}.steps[{i}]"
        # What is wrong in a group is wrong with its parts, which are looked at one by one.
        step, _ = validate(Step, {**entry, "subSteps": None} if isinstance(entry, dict) else entry, path)
        inner = listing(mapping(entry).get("subSteps"))
        if step is not None:
            yield path, step.model_copy(update={"name": step.name or f"step-{i}", "sub_steps": tuple(inner)})
        for j, part in enumerate(inner):
            sub_step, _ = validate(SubStep, part, f"{path}.subSteps[{j}]")
            if sub_step is not None:
                name = sub_step.name or f"step-{i}-{j}"
                yield f"{path}.subSteps[{j}]", sub_step.model_copy(update={"name": name})


def _mode_alone(workflow: dict[str, Any]) -> Iterator[Finding]:
    if workflow.get("mode"):
        message = "'mode' has no effect: without steps components go in the order of `dependsOn`"
        yield Finding(path=f"{PATH}.mode", code="NoEffect", message=message)


def _both(workflow: dict[str, Any]) -> Iterator[Finding]:
    if workflow.get("steps") and workflow.get("ref"):
        message = "the steps are given here and named by a reference"
        yield Finding(path=f"{PATH}.ref", code="InvalidValue", message=message, remedy="Write `steps` or `ref`.")


def _unsupported() -> Iterator[Finding]:
    remedy = "Remove `workflow` and order components by `dependsOn`."
    yield Finding(path=PATH, code="Unsupported", message="workflow steps are not supported yet", remedy=remedy)


def _names(steps: list[tuple[str, SubStep]]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for path, step in steps:
        before = first.setdefault(step.name, path)
        if before != path:
            message = f"{before} is called {step.name!r} already"
            yield Finding(path=f"{path}.name", code="DuplicateStep", message=message, remedy="Give it another name.")


def _dependencies(steps: list[tuple[str, SubStep]]) -> Iterator[Finding]:
    """A step is also known by the component or the name that its properties have."""
    names = {step.name for _, step in steps}
    known = names | {
        value
        for _, step in steps
        for key in ("component", "name")
        if isinstance(value := step.properties.get(key), str)
    }
    for path, step in steps:
        for i, name in enumerate(step.depends_on):
            if name not in known:
                at, message = f"{path}.dependsOn[{i}]", f"there is no step {name!r}"
                yield Finding(path=at, code="UnknownStep", message=message, remedy=did_you_mean(name, names))


def _step(path: str, step: SubStep) -> Iterator[Finding]:
    bare = step.type.partition("@")[0]
    if bare not in _TYPES:
        message = f"there is no step type {step.type!r}"
        yield Finding(path=f"{path}.type", code="UnknownStepType", message=message, remedy=did_you_mean(bare, _TYPES))
    if bare == _GROUP and not isinstance(step, Step):
        yield Finding(path=f"{path}.type", code="NotAllowed", message="a group cannot be in a group")
    if step.timeout is not None:
        try:
            duration_s(step.timeout)
        except ValueError as error:
            message = str(error)
            yield Finding(path=f"{path}.timeout", code="InvalidDuration", message=message, remedy=DURATION_REMEDY)


def _ungrouped(path: str, step: SubStep) -> Iterator[Finding]:
    if isinstance(step, Step) and step.type.partition("@")[0] != _GROUP:
        for key, value in (("mode", step.mode), ("subSteps", step.sub_steps)):
            if value:
                message = f"{key!r} has no effect: the step is no {_GROUP}"
                yield Finding(path=f"{path}.{key}", code="NoEffect", message=message)
