"""From an object of the API to the little that is kept of it: nothing else is ever held, least of all secret data."""

from dataclasses import dataclass
from typing import Any

from services.watcher.observe.domain.causes import clipped
from services.watcher.observe.domain.owned import Malformed, OtherVersion, Owned, read_owned
from services.watcher.observe.domain.pods import PodRecord, controller, pod_record

Object = dict[str, Any]

_EVENT_MESSAGE_BYTES = 512
_REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True, slots=True)
class Link:
    """An object between one of ours and its pods: a ReplicaSet of a Deployment, a Job of a CronJob."""

    owner: str
    """uid of its controller."""
    revision: int
    """Of a Deployment's ReplicaSet: the newest has the highest; else 0."""


@dataclass(frozen=True, slots=True)
class Note:
    """A warning Event about one object."""

    about: str
    """uid of the object that it is about."""
    reason: str
    message: str
    at: str
    """When it last happened, as Kubernetes writes times."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is kept of one object; all None for one that does not concern us."""

    uid: str
    owned: Owned | None = None
    pod: PodRecord | None = None
    link: Link | None = None
    note: Note | None = None
    other_version: tuple[str, str] | None = None
    """apiVersion and kind under which to look for the object instead."""
    problem: str = ""
    """Why an object that bears our field manager cannot be read."""
    name: str = ""
    """`Kind namespace/name`, where there is a problem."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to keep."""
        return self.owned is None and self.pod is None and self.link is None and self.note is None


def read(obj: Object) -> Seen:
    """Read any object: ours, a pod, what stands between the two, or an Event."""
    metadata = obj["metadata"]
    uid = metadata["uid"]
    if obj["kind"] == "Event":
        return Seen(uid, note=_note(obj))
    owned, other_version, problem = _owned(obj)
    pod = pod_record(obj) if obj["kind"] == "Pod" else None
    if pod is not None and not pod.owner and owned is None:
        # A bare pod that is not ours.
        pod = None
    link = _link(metadata) if obj["kind"] in ("ReplicaSet", "Job") else None
    name = f"{obj['kind']} {metadata.get('namespace', '')}/{metadata['name']}" if problem else ""
    return Seen(uid, owned, pod, link, None, other_version, problem, name)


def _owned(obj: Object) -> tuple[Owned | None, tuple[str, str] | None, str]:
    try:
        return read_owned(obj), None, ""
    except OtherVersion as other:
        return None, (other.api_version, other.kind), ""
    except Malformed as error:
        return None, None, clipped(str(error))


def _link(metadata: Object) -> Link | None:
    owner = controller(metadata)
    if not owner:
        return None
    revision = str((metadata.get("annotations") or {}).get(_REVISION) or "")
    return Link(owner, int(revision) if revision.isdigit() else 0)


def _note(event: Object) -> Note | None:
    about = (event.get("involvedObject") or {}).get("uid")
    if event.get("type") != "Warning" or not about:
        return None
    last = (event.get("series") or {}).get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    message = clipped(str(event.get("message") or ""), _EVENT_MESSAGE_BYTES)
    return Note(str(about), str(event.get("reason") or ""), message, str(last or ""))
