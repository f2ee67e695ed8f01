"""The picture of the cluster: objects of ours, pods, what joins them, and warnings; small records by uid.

Changes may come in any order between kinds: a pod may be seen before its Deployment. Nothing is dropped for that.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from services.watcher.observe.domain.causes import Cause
from services.watcher.observe.domain.intake import Link, Note, Seen
from services.watcher.observe.domain.owned import Owned
from services.watcher.observe.domain.pods import PodRecord
from shared.contracts.identity import AppRef, AppUid, StepId
from shared.contracts.phases import Reason

_NOTES_LIMIT = 5000
"""Warnings come in storms, also about objects that are none of ours; the oldest make room."""
_DEPTH_LIMIT = 8
"""CronJob, Job, Pod are three; more than these few would be a circle."""
_ENDS = frozenset({Reason.OOM_KILLED, Reason.CONTAINER_FAILED, Reason.CRASH_LOOP_BACK_OFF})


class StepKey(NamedTuple):
    """A step of an application."""

    app: AppRef
    app_uid: AppUid
    step: StepId


class Touched(NamedTuple):
    """What may have to be stated anew."""

    objects: frozenset[str] = frozenset()
    steps: frozenset[StepKey] = frozenset()

    def __or__(self, other: "Touched") -> "Touched":
        """Both."""
        return Touched(self.objects | other.objects, self.steps | other.steps)


_NOTHING = Touched()


class Picture:
    """What is known of one cluster."""

    def __init__(self) -> None:
        self.objects: dict[str, Owned] = {}
        self.vanished: dict[str, Owned] = {}
        """Gone, and not stated as gone yet."""
        self._pods: dict[str, PodRecord] = {}
        self._links: dict[str, Link] = {}
        self._children: defaultdict[str, set[str]] = defaultdict(set)
        self._notes: dict[str, tuple[str, Note]] = {}
        """By what they are about, with the uid of the Event."""
        self._events: dict[str, str] = {}
        self._apps: defaultdict[AppUid, set[str]] = defaultdict(set)
        self._last_end: dict[str, Cause] = {}
        """How a pod ended, by the object of ours: a failing Job may delete the pods that could tell."""

    @property
    def pod_count(self) -> int:
        """Pods that are kept."""
        return len(self._pods)

    def put(self, seen: Seen) -> Touched:
        """Take in an object that was added or changed."""
        if seen.note is not None:
            return self._put_note(seen.uid, seen.note)
        touched = self._put_owned(seen.owned) if seen.owned is not None else self._forget_owned(seen.uid)
        touched |= self._put_link(seen.uid, seen.link) if seen.link is not None else self._drop_link(seen.uid)
        touched |= self._put_pod(seen.pod) if seen.pod is not None else self._drop_pod(seen.uid)
        return touched

    def drop(self, uid: str, last: Seen | None = None) -> Touched:
        """Take an object out that is gone, `last` its final state where that is known."""
        touched = self._drop_pod(uid) | self._drop_link(uid)
        owned = self.objects.get(uid)
        if owned is not None:
            touched |= self._forget_owned(uid) | Touched(frozenset({uid}))
            self.vanished[uid] = (last and last.owned) or owned
        self._drop_note(uid)
        return touched

    def stated_gone(self, uid: str) -> None:
        """The world knows that it is gone."""
        self.vanished.pop(uid, None)

    def of_app(self, app_uid: AppUid) -> frozenset[str]:
        """The objects of an application."""
        return frozenset(self._apps.get(app_uid, ()))

    def steps_of(self, uids: Iterable[str]) -> frozenset[StepKey]:
        """The steps that the objects belong to."""
        return frozenset(_step_key(self.objects[uid]) for uid in uids if uid in self.objects)

    def pods_of(self, uid: str) -> list[PodRecord]:
        """All pods of an object."""
        return [pod for pod, _ in self._descend(uid)]

    def telling_pods(self, uid: str) -> list[PodRecord]:
        """The pods that speak for an object: of its newest revision, unless they are on their way out."""
        pods = [(pod, revision) for pod, revision in self._descend(uid) if not pod.terminating]
        newest = max((revision for _, revision in pods), default=0)
        return [pod for pod, revision in pods if revision == newest]

    def pods_of_step(self, key: StepKey) -> list[PodRecord]:
        """All pods of all objects of a step."""
        uids = (u for u in self._apps.get(key.app_uid, ()) if _step_key(self.objects[u]) == key)
        found = {pod.uid: pod for uid in uids for pod in self.pods_of(uid)}
        return list(found.values())

    def note_on(self, uid: str) -> Note | None:
        """The last warning about an object or a pod."""
        held = self._notes.get(uid)
        return held[1] if held else None

    def last_end_of(self, uid: str) -> Cause | None:
        """How a pod of the object ended, the last that we know of."""
        return self._last_end.get(uid)

    def _put_owned(self, owned: Owned) -> Touched:
        uid = owned.object_uid
        before = self.objects.get(uid)
        steps = {_step_key(owned)}
        if before is not None and before.app_uid != owned.app_uid:
            self._apps[before.app_uid].discard(uid)
        if before is not None:
            steps.add(_step_key(before))
        self.objects[uid] = owned
        self._apps[owned.app_uid].add(uid)
        self.vanished.pop(uid, None)
        return Touched(frozenset({uid}), frozenset(steps))

    def _forget_owned(self, uid: str) -> Touched:
        """Speak of it no more, whether it is gone or just not ours."""
        owned = self.objects.pop(uid, None)
        if owned is None:
            return _NOTHING
        held = self._apps[owned.app_uid]
        held.discard(uid)
        if not held:
            del self._apps[owned.app_uid]
        self._last_end.pop(uid, None)
        return Touched(steps=frozenset({_step_key(owned)}))

    def _put_link(self, uid: str, link: Link) -> Touched:
        before = self._links.get(uid)
        if before == link:
            return _NOTHING
        touched = self._drop_link(uid) if before is not None and before.owner != link.owner else _NOTHING
        self._links[uid] = link
        self._children[link.owner].add(uid)
        return touched | self._touched_root(uid)

    def _drop_link(self, uid: str) -> Touched:
        if uid not in self._links:
            return _NOTHING
        touched = self._touched_root(uid)
        self._unlink(self._links.pop(uid).owner, uid)
        return touched

    def _put_pod(self, pod: PodRecord) -> Touched:
        before = self._pods.get(pod.uid)
        if before == pod:
            return _NOTHING
        touched = self._drop_pod(pod.uid) if before is not None and before.owner != pod.owner else _NOTHING
        self._pods[pod.uid] = pod
        if pod.owner:
            self._children[pod.owner].add(pod.uid)
        self._remember_end(pod)
        return touched | self._touched_root(pod.uid)

    def _drop_pod(self, uid: str) -> Touched:
        pod = self._pods.get(uid)
        if pod is None:
            return _NOTHING
        # Its owner may have come after it.
        self._remember_end(pod)
        touched = self._touched_root(uid)
        del self._pods[uid]
        self._unlink(pod.owner, uid)
        return touched

    def _remember_end(self, pod: PodRecord) -> None:
        # What is being deleted ends with a code of its own, which tells nothing.
        if pod.cause is not None and pod.cause.reason in _ENDS and not pod.terminating:
            root = self._root(pod.uid)
            if root is not None:
                self._last_end[root] = pod.cause

    def _put_note(self, event_uid: str, note: Note) -> Touched:
        held = self._notes.get(note.about)
        if held is not None and held[1].at > note.at:
            return _NOTHING
        if held is not None:
            # Taken out first: the newest stand at the end.
            self._events.pop(held[0], None)
            del self._notes[note.about]
        self._notes[note.about] = (event_uid, note)
        self._events[event_uid] = note.about
        if len(self._notes) > _NOTES_LIMIT:
            oldest = next(iter(self._notes))
            self._events.pop(self._notes.pop(oldest)[0], None)
        return self._touched_root(note.about)

    def _drop_note(self, uid: str) -> None:
        """Of an Event that is gone, or about an object that is gone."""
        about = self._events.pop(uid, uid)
        held = self._notes.pop(about, None)
        if held is not None:
            self._events.pop(held[0], None)

    def _unlink(self, owner: str, uid: str) -> None:
        children = self._children.get(owner)
        if children is not None:
            children.discard(uid)
            if not children:
                del self._children[owner]

    def _touched_root(self, uid: str) -> Touched:
        root = self._root(uid)
        if root is None:
            return _NOTHING
        return Touched(frozenset({root}), frozenset({_step_key(self.objects[root])}))

    def _root(self, uid: str) -> str | None:
        """The object of ours that this is, or that it belongs to."""
        for _ in range(_DEPTH_LIMIT):
            if uid in self.objects:
                return uid
            held = self._pods.get(uid) or self._links.get(uid)
            if held is None or not held.owner:
                return None
            uid = held.owner
        return None

    def _descend(self, uid: str, revision: int = 0, depth: int = 0) -> Iterator[tuple[PodRecord, int]]:
        pod = self._pods.get(uid)
        if pod is not None:
            yield pod, revision
        if depth < _DEPTH_LIMIT:
            for child in self._children.get(uid, ()):
                link = self._links.get(child)
                yield from self._descend(child, link.revision if link else revision, depth + 1)


def _step_key(owned: Owned) -> StepKey:
    return StepKey(owned.app, owned.app_uid, owned.step)
