"""KWOK's configuration: the stages of `stages.yaml`, and what it answers when the logs of a container are asked for."""

from pathlib import Path
from typing import Any

import yaml

_API_VERSION = "kwok.x-k8s.io/v1alpha1"
_STAGES = Path(__file__).with_name("stages.yaml")
# In the format in which a container runtime writes them.
_LOG_LINES = """\
2026-01-01T00:00:00.000000000Z stdout F starting
2026-01-01T00:00:01.000000000Z stdout F ready
"""


def write_kwok_config(directory: Path) -> Path:
    """Write the configuration, and the log that every container has, into the directory; return the former's path."""
    log = directory / "container.log"
    log.write_text(_LOG_LINES)
    cluster_logs = {
        "apiVersion": _API_VERSION,
        "kind": "ClusterLogs",
        "metadata": {"name": "every-container"},
        "spec": {"logs": [{"logsFile": str(log), "previousLogsFile": str(log), "follow": False}]},
    }
    config = directory / "kwok.yaml"
    config.write_text(yaml.safe_dump_all([*stages(), cluster_logs]))
    return config


def stages() -> list[dict[str, Any]]:
    """Return the stages as KWOK reads them: each its own document, each template with its library before it."""
    source = yaml.safe_load(_STAGES.read_text())
    return [_stage_document(stage, source["pod-library"]) for stage in source["stages"]]


def _stage_document(stage: dict[str, Any], pod_library: str) -> dict[str, Any]:
    spec = {key: value for key, value in stage.items() if key != "name"}
    if spec["resourceRef"]["kind"] == "Pod":
        spec["steps"] = [_with_library(step, pod_library) for step in spec["steps"]]
    return {"apiVersion": _API_VERSION, "kind": "Stage", "metadata": {"name": stage["name"]}, "spec": spec}


def _with_library(step: dict[str, Any], library: str) -> dict[str, Any]:
    match step:
        case {"patch": patch}:
            return {"patch": {**patch, "template": library + patch["template"]}}
        case _:
            return step
