from hypothesis import given
from hypothesis import strategies as st

from services.watcher.observe.domain.dirty import Dirty

KEYS = st.sampled_from("abc")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), KEYS),
        st.tuples(st.just("routine"), KEYS),
        st.tuples(st.just("take"), KEYS),
        st.tuples(st.just("finish"), KEYS),
        st.tuples(st.just("fail"), KEYS),
    ),
    max_size=60,
)


class World:
    """Keys with a version that rises; a publisher reads the version when it takes and stores it when it finishes."""

    def __init__(self) -> None:
        self.dirty = Dirty[str]()
        self.versions = dict.fromkeys("abc", 0)
        self.said = dict.fromkeys("abc", 0)
        self.saying: dict[str, int] = {}
        self.messages = 0

    def do(self, action: str, key: str) -> None:
        match action:
            case "change":
                self.versions[key] += 1
                self.dirty.mark(key)
            case "routine":
                self.dirty.mark(key, again=True, urgent=False)
            case "take":
                taken = self.dirty.take()
                if taken is not None:
                    assert taken.key not in self.saying, "one message at a time"
                    self.saying[taken.key] = self.versions[taken.key]
            case "finish" if key in self.saying:
                self.said[key] = self.saying.pop(key)
                self.messages += 1
                self.dirty.done(key)
            case "fail" if key in self.saying:
                del self.saying[key]
                self.dirty.mark(key)
                self.dirty.done(key)
            case _:
                pass

    def drain(self) -> None:
        while len(self.dirty):
            for key in list(self.saying):
                self.do("finish", key)
            self.do("take", "")


@given(STEPS)
def test_coalescing_never_loses_the_last_state(steps: list[tuple[str, str]]) -> None:
    world = World()
    for action, key in steps:
        world.do(action, key)
    world.drain()
    assert world.said == world.versions


def test_a_burst_costs_one_message() -> None:
    world = World()
    for _ in range(1000):
        world.do("change", "a")
    world.drain()
    assert (world.messages, world.said["a"]) == (1, 1000)


def test_what_is_wanted_again_is_told_so_once() -> None:
    dirty = Dirty[str]()
    dirty.mark("a", again=True)
    dirty.mark("a")
    first = dirty.take()
    assert first is not None
    assert first.again
    dirty.mark("a")
    dirty.done("a")
    second = dirty.take()
    assert second is not None
    assert not second.again


def test_changes_go_before_routine() -> None:
    dirty = Dirty[str]()
    for key in "abc":
        dirty.mark(key, urgent=False)
    dirty.mark("c")
    taken = dirty.take()
    assert taken is not None
    assert taken.key == "c"
