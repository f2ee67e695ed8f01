"""Builds and parses every subject of the bus; no other module spells one.

A token is a DNS name with `.` written `_` (never legal in a DNS name), so that no token can hold a separator, a
wildcard or a blank.
Step ids join their parts by `=` and `@`.
"""

import re
from typing import NamedTuple

from shared.contracts.identity import AppName, AppRef, ClusterName, Namespace, StepId, Tenant

ROOT = "kubemin"

STREAM_SPECS = "SPECS"
STREAM_RUNS = "RUNS"
STREAM_STEPS = "STEPS"
STREAM_STATUS = "STATUS"
STREAM_PROGRESS = "PROGRESS"
STREAM_BEATS = "BEATS"
STREAM_PARKED = "PARKED"

_TOKEN = re.compile(r"[a-z0-9]([-a-z0-9_]*[a-z0-9])?\Z")
_STEP = re.compile(r"(=prepare|=prune|[a-z0-9][-a-z0-9_]*(=[a-z0-9]+=[a-z0-9][-a-z0-9_]*)?(@[a-z0-9][-a-z0-9]*)?)\Z")


class AppSubject(NamedTuple):
    """What a subject says of the message: the cluster and step are empty where the stream has none."""

    app: AppRef
    cluster: ClusterName
    step: StepId


def token(name: str) -> str:
    """Write a DNS name as a subject token; raises ValueError for what is no DNS name."""
    encoded = name.replace(".", "_")
    if "_" in name or not _TOKEN.match(encoded):
        msg = f"{name!r} is no DNS name and cannot be part of a subject"
        raise ValueError(msg)
    return encoded


def name(token_: str) -> str:
    """Read a token back; raises ValueError for what `token` cannot have written."""
    if not _TOKEN.match(token_):
        msg = f"{token_!r} is no subject token"
        raise ValueError(msg)
    return token_.replace("_", ".")


def step_token(step: StepId) -> str:
    """Write a step id as a token; its names may hold dots."""
    encoded = step.replace(".", "_")
    if "_" in step or not _STEP.match(encoded):
        msg = f"{step!r} is no step id"
        raise ValueError(msg)
    return encoded


def _app(app: AppRef) -> str:
    return f"{token(app.tenant)}.{token(app.namespace)}.{token(app.name)}"


def spec(app: AppRef) -> str:
    """ApplicationChanged: gateway → planner, audit."""
    return f"{ROOT}.spec.{_app(app)}"


def run(app: AppRef) -> str:
    """Run events: planner → record, gateway, audit."""
    return f"{ROOT}.run.{_app(app)}"


def step(cluster: ClusterName, app: AppRef, step_: StepId) -> str:
    """Commands: planner → executor of that cluster; a mailbox that keeps the last."""
    return f"{ROOT}.step.{token(cluster)}.{_app(app)}.{step_token(step_)}"


def steps_of(cluster: ClusterName) -> str:
    """The filter of one cluster's commands."""
    return f"{ROOT}.step.{token(cluster)}.>"


def status(cluster: ClusterName, app: AppRef) -> str:
    """Facts: executor, observe → planner, record, gateway, audit."""
    return f"{ROOT}.status.{token(cluster)}.{_app(app)}"


def status_of(cluster: ClusterName) -> str:
    """The filter of one cluster's facts."""
    return f"{ROOT}.status.{token(cluster)}.>"


def progress(cluster: ClusterName, app: AppRef, step_: StepId) -> str:
    """Pod chatter: observe → record, gateway."""
    return f"{ROOT}.progress.{token(cluster)}.{_app(app)}.{step_token(step_)}"


def progress_of(cluster: ClusterName) -> str:
    """The filter of one cluster's pod chatter."""
    return f"{ROOT}.progress.{token(cluster)}.>"


def beat(cluster: ClusterName, part: str) -> str:
    """Signs of life of `executor` or `observe`."""
    return f"{ROOT}.beat.{token(cluster)}.{token(part)}"


def beats_of(cluster: ClusterName) -> str:
    """The filter of one cluster's beats."""
    return f"{ROOT}.beat.{token(cluster)}.>"


def parked(consumer: str) -> str:
    """Poison messages that a consumer met."""
    return f"{ROOT}.parked.{token(consumer)}"


def replay(consumer: str) -> str:
    """Request and reply, not stored: asks a central consumer to take one of its parked messages again."""
    return f"{ROOT}.replay.{token(consumer)}"


def nudge(cluster: ClusterName) -> str:
    """Inside one cluster's account only, not stored: executor asks observe to state an application's facts again."""
    return f"{ROOT}.nudge.{token(cluster)}"


def rpc(cluster: ClusterName, method: str) -> str:
    """Request and reply with a cluster's agent, not stored."""
    return f"{ROOT}.rpc.{token(cluster)}.{token(method)}"


def rpcs_of(cluster: ClusterName) -> str:
    """The filter of one cluster's requests."""
    return f"{ROOT}.rpc.{token(cluster)}.>"


def parse(subject: str) -> AppSubject:
    """Read the identity off a spec, run, step, status or progress subject; raises ValueError for any other."""
    tokens = subject.split(".")
    match tokens:
        case ["kubemin", "spec" | "run", tenant, namespace, app]:
            return AppSubject(_ref(tenant, namespace, app), ClusterName(""), StepId(""))
        case ["kubemin", "status", cluster, tenant, namespace, app]:
            return AppSubject(_ref(tenant, namespace, app), ClusterName(name(cluster)), StepId(""))
        case ["kubemin", "step" | "progress", cluster, tenant, namespace, app, step_] if _STEP.match(step_):
            return AppSubject(_ref(tenant, namespace, app), ClusterName(name(cluster)), StepId(step_.replace("_", ".")))
        case _:
            msg = f"{subject!r} names no application"
            raise ValueError(msg)


def parse_beat(subject: str) -> tuple[ClusterName, str]:
    """Read cluster and part off a beat's subject; raises ValueError for any other."""
    match subject.split("."):
        case ["kubemin", "beat", cluster, part]:
            return ClusterName(name(cluster)), name(part)
        case _:
            msg = f"{subject!r} is no beat"
            raise ValueError(msg)


def _ref(tenant: str, namespace: str, app: str) -> AppRef:
    return AppRef(tenant=Tenant(name(tenant)), namespace=Namespace(name(namespace)), name=AppName(name(app)))
