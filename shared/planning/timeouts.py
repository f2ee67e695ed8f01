"""Deadlines that a document sets by annotations.

`kubemin.dev/{reference,queue,start,run}-timeout` on the Application hold for all components; with `.<component>`
appended (`kubemin.dev/start-timeout.web`) for one, which then counts. Values are Go's durations: `30s`, `1h30m`.
Source: https://pkg.go.dev/time#ParseDuration
"""

import re
from collections.abc import Collection, Mapping, Sequence

from shared.contracts import annotations
from shared.contracts.plan import Deadlines, Finding
from shared.planning.findings import MAX_FINDINGS, did_you_mean, nearest
from shared.planning.trees import path_text

DURATION_REMEDY = "Write numbers with the units ms, s, m or h, such as 90s or 1h30m."
LONGEST_S = 366 * 24 * 3600.0
_FIELDS = {
    annotations.ANNOTATION_QUEUE_TIMEOUT: "queue_s",
    annotations.ANNOTATION_START_TIMEOUT: "start_s",
    annotations.ANNOTATION_RUN_TIMEOUT: "run_s",
    annotations.ANNOTATION_REFERENCE_TIMEOUT: "reference_s",
}
REFERENCE_BOUNDS_S = (1.0, 24 * 3600.0)
"""Shorter is no wait, for the cluster looks about once a second; a run that waits for days is a forgotten one."""
_OURS = "kubemin.dev/"
_DEFAULT = Deadlines()
_UNIT_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)"
_PARTS = re.compile(_PART, re.ASCII)
_DURATION = re.compile(f"(?:{_PART})+", re.ASCII)


def duration_s(text: str) -> float:
    """Seconds of a Go duration; raises ValueError for what is none, or none between 0 and a year."""
    if len(text) > 100 or not _DURATION.fullmatch(text):
        raise ValueError("is no duration such as 30s, 10m or 1h30m")
    seconds = sum(float(number) * _UNIT_S[unit] for number, unit in _PARTS.findall(text))
    if not 0 < seconds <= LONGEST_S:
        raise ValueError("must be more than 0 and at most a year")
    return seconds


def _check(annotation: str, text: str) -> None:
    """Raise ValueError for what is no duration, or out of the bounds of the annotation."""
    seconds = duration_s(text)
    least_s, most_s = REFERENCE_BOUNDS_S
    if annotation == annotations.ANNOTATION_REFERENCE_TIMEOUT and not least_s <= seconds <= most_s:
        raise ValueError("must be between 1s and 24h")


def deadlines(given: Mapping[str, str], names: Sequence[str]) -> Deadlines:
    """The deadlines of the steps of a component, by the first of its names; the annotations were checked before."""
    if not given:
        return _DEFAULT
    fields: dict[str, float] = {}
    for annotation, name in _FIELDS.items():
        keys = (*(f"{annotation}.{name}" for name in names), annotation)
        text = next((given[key] for key in keys if key in given), None)
        if text is not None:
            fields[name] = duration_s(text)
    return Deadlines.model_validate(fields)


def check_annotations(given: Mapping[str, str], components: Collection[str]) -> tuple[list[Finding], list[Finding]]:
    """Errors and warnings about annotations in our name."""
    errors: list[Finding] = []
    warnings: list[Finding] = []
    for key, text in given.items():
        if not key.startswith(_OURS) or key in annotations.ABOUT:
            continue
        if len(errors) > MAX_FINDINGS:
            break
        path = path_text("metadata.annotations", key)
        base, _, component = key.partition("-timeout.")
        annotation = f"{base}-timeout" if component else key
        if annotation not in _FIELDS:
            meant = nearest(key, _FIELDS)
            remedy = f"Did you mean {meant!r}?" if meant else ""
            warnings.append(Finding(path=path, code="UnknownKey", message=f"{key!r} has no effect", remedy=remedy))
            continue
        if component and component not in components:
            errors.append(_unknown_component(path, component, components))
        try:
            _check(annotation, text)
        except ValueError as error:
            errors.append(Finding(path=path, code="InvalidDuration", message=str(error), remedy=DURATION_REMEDY))
    return errors, warnings


def _unknown_component(path: str, component: str, components: Collection[str]) -> Finding:
    message = f"there is no component {component!r}"
    return Finding(path=path, code="UnknownComponent", message=message, remedy=did_you_mean(component, components))
