"""The AsyncAPI 3.0 description of the bus, made of the contracts. Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0."""

from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.bus import parked, replaying
from shared.contracts import commands, desired, differences, envelope, facts, nudge, reads, runs, versions
from shared.contracts.subjects import ROOT

_REF = "#/components/schemas/{model}"


class Channel(NamedTuple):
    """One stream, or one subject that is not stored."""

    address: str
    description: str
    messages: tuple[type[BaseModel], ...]


_ANSWERS = (
    facts.RunPrepared,
    facts.RunHeldBack,
    facts.RunRejected,
    facts.StepApplied,
    facts.StepQueued,
    facts.StepRejected,
    facts.StepErrored,
    facts.ObjectsPruned,
    facts.Superseded,
    facts.Unsupported,
)
_OBSERVED = (facts.StepProgressed, facts.StepSucceeded, facts.StepFailed, facts.ObjectVanished)

CHANNELS: dict[str, Channel] = {
    "SPECS": Channel(
        f"{ROOT}.spec.{{tenant}}.{{namespace}}.{{app}}",
        "Desired records, the last of each application. Gateway → planner, audit.",
        (desired.ApplicationChanged,),
    ),
    "RUNS": Channel(
        f"{ROOT}.run.{{tenant}}.{{namespace}}.{{app}}",
        "What the planner decided, numbered without gaps per application. Planner → record, gateway, audit.",
        (
            runs.RunAccepted,
            runs.RunPhaseChanged,
            runs.StepPhaseChanged,
            runs.ObjectRecorded,
            runs.ObjectForgotten,
            runs.AppPhaseChanged,
        ),
    ),
    "STEPS": Channel(
        f"{ROOT}.step.{{cluster}}.{{tenant}}.{{namespace}}.{{app}}.{{step}}",
        "Commands, a mailbox that keeps the last of each step. Planner → executor of the cluster.",
        (commands.PrepareRun, commands.ApplyStep, commands.PruneObjects),
    ),
    "STATUS": Channel(
        f"{ROOT}.status.{{cluster}}.{{tenant}}.{{namespace}}.{{app}}",
        "Facts: the executor's answers and the observer's observations. Agents → planner, record, gateway, audit.",
        (*_ANSWERS, *_OBSERVED),
    ),
    "PROGRESS": Channel(
        f"{ROOT}.progress.{{cluster}}.{{tenant}}.{{namespace}}.{{app}}.{{step}}",
        "Pods of a step, for people; the last of each. Observer → record, gateway.",
        (facts.PodsObserved,),
    ),
    "BEATS": Channel(
        f"{ROOT}.beat.{{cluster}}.{{part}}",
        "Signs of life of executor and observer. Agents → gateway, planner.",
        (facts.AgentBeat,),
    ),
    "PARKED": Channel(
        f"{ROOT}.parked.{{consumer}}",
        "Messages that a consumer could not take, as they were. That consumer → operators.",
        (parked.MessageParked,),
    ),
    "replay": Channel(
        f"{ROOT}.replay.{{consumer}}",
        "Request and answer, not stored: has a central consumer take a parked message of its own again.",
        (replaying.ReplayParked, replaying.Replayed),
    ),
    "objects": Channel(
        f"{ROOT}.rpc.{{cluster}}.{reads.OBJECTS}",
        "Request and answer, not stored: reads objects that live in the cluster, for copies of them. "
        "Gateway → executor of the cluster.",
        (reads.ReadObjects, reads.ObjectsRead, reads.ObjectsNotRead),
    ),
    "diff": Channel(
        f"{ROOT}.rpc.{{cluster}}.diff",
        "Request and answer, not stored: what a plan would change in a cluster, by dry run. Gateway → executor.",
        (differences.CheckSlice, differences.SliceChecked, differences.CompareSteps, differences.StepsCompared),
    ),
    "nudge": Channel(
        f"{ROOT}.nudge.{{cluster}}",
        "Not stored: has the observer state an application's facts again. Executor → observer of the same cluster.",
        (nudge.Nudge,),
    ),
}


def schemas() -> dict[str, Any]:
    """One self-contained JSON Schema 2020-12 per message, and that of the envelope around each."""
    models: list[type[BaseModel]] = [envelope.Envelope, *_all_messages()]
    return {
        model.__name__: {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **model.model_json_schema(mode="serialization"),
        }
        for model in models
    }


def document() -> dict[str, Any]:
    """The whole description."""
    models: list[type[BaseModel]] = [envelope.Envelope, *_all_messages()]
    _, collected = models_json_schema([(model, "serialization") for model in models], ref_template=_REF)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "KubeMin",
            "version": str(versions.VERSION),
            "description": "Payloads are CloudEvents 1.0 in structured JSON mode, zlib-compressed above 16 KiB; "
            "`data` is one of the messages below. Tokens of subjects are DNS names with `.` written `_`.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {name: _channel(channel) for name, channel in CHANNELS.items()},
        "components": {
            "schemas": collected["$defs"],
            "messages": {model.__name__: _message(model) for model in _all_messages()},
        },
    }


def _all_messages() -> list[type[BaseModel]]:
    return [message for channel in CHANNELS.values() for message in channel.messages]


def _channel(channel: Channel) -> dict[str, Any]:
    names = [part[1:-1] for part in channel.address.split(".") if part.startswith("{")]
    return {
        "address": channel.address,
        "description": channel.description,
        "parameters": {name: {"description": f"The {name}'s name as a subject token."} for name in names},
        "messages": {model.__name__: {"$ref": f"#/components/messages/{model.__name__}"} for model in channel.messages},
    }


def _message(model: type[BaseModel]) -> dict[str, Any]:
    summary = (model.__doc__ or "").partition("\n")[0]
    return {
        "name": f"dev.kubemin.{model.__name__}.v{versions.since_of(model)}",
        "summary": summary,
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }
