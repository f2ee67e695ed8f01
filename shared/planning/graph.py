"""Directed graphs over hashable nodes, without recursion; every result depends on the order of the input alone."""

import heapq
from collections import deque
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TypeVar

N = TypeVar("N", bound=Hashable)


def topological(nodes: Sequence[N], needs: Mapping[N, Collection[N]]) -> list[N]:
    """Each node after those that it needs, otherwise in the given order; the graph has no cycle."""
    position = {node: i for i, node in enumerate(nodes)}
    missing = {node: len(set(needs.get(node, ()))) for node in nodes}
    users: dict[N, list[N]] = {node: [] for node in nodes}
    for node in nodes:
        for needed in set(needs.get(node, ())):
            users[needed].append(node)
    ready = [position[node] for node in nodes if missing[node] == 0]
    heapq.heapify(ready)
    ordered: list[N] = []
    while ready:
        node = nodes[heapq.heappop(ready)]
        ordered.append(node)
        for user in users[node]:
            missing[user] -= 1
            if missing[user] == 0:
                heapq.heappush(ready, position[user])
    return ordered


def components(nodes: Sequence[N], needs: Mapping[N, Collection[N]]) -> dict[N, int]:
    """Number of each node's strongly connected component: two nodes share one when each needs the other (Tarjan)."""
    index: dict[N, int] = {}
    low: dict[N, int] = {}
    number: dict[N, int] = {}
    open_: list[N] = []
    found = 0
    for root in nodes:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        open_.append(root)
        work = [(root, iter(needs.get(root, ())))]
        while work:
            node, rest = work[-1]
            following = next((n for n in rest if n not in number), None)
            if following is None:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == index[node]:
                    _close(node, open_, number, found)
                    found += 1
            elif following in index:
                low[node] = min(low[node], index[following])
            else:
                index[following] = low[following] = len(index)
                open_.append(following)
                work.append((following, iter(needs.get(following, ()))))
    return number


def _close(root: N, open_: list[N], number: dict[N, int], found: int) -> None:
    while True:
        node = open_.pop()
        number[node] = found
        if node == root:
            return


def cycle(start: N, needs: Mapping[N, Collection[N]]) -> list[N]:
    """The shortest way from a node back to itself, both ends included; empty where there is none."""
    came_from: dict[N, N] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for needed in needs.get(node, ()):
            if needed == start:
                way = [start, node]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if needed not in came_from:
                came_from[needed] = node
                queue.append(needed)
    return []


def strictly_needed(by: Collection[N], needs: Mapping[N, Collection[N]]) -> set[N]:
    """Everything that any of these nodes needs, directly or not."""
    seen: set[N] = set()
    queue = deque(by)
    while queue:
        for needed in needs.get(queue.popleft(), ()):
            if needed not in seen:
                seen.add(needed)
                queue.append(needed)
    return seen
