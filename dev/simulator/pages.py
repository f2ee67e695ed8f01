"""Lists in pages: what is left of a list is kept, so that every page shows the same moment."""

import base64
import binascii
import json
from collections import OrderedDict
from dataclasses import dataclass

from dev.simulator.errors import EXPIRED_CONTINUE, bad_request, expired
from dev.simulator.kinds import Kind
from dev.simulator.objects import Object

_MAX_OPEN_LISTS = 256


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    items: list[Object]
    revision: int
    token: str
    remaining: int


class Pages:
    """The lists that clients may still continue; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._open: OrderedDict[int, tuple[Kind, list[Object], int]] = OrderedDict()
        self._last_id = 0

    def first(self, kind: Kind, items: list[Object], revision: int, limit: int) -> Page:
        """Return the first page of a list, the whole list when there is no limit."""
        if not limit or len(items) <= limit:
            return Page(items, revision, "", 0)
        self._last_id += 1
        self._open[self._last_id] = (kind, items, revision)
        if len(self._open) > _MAX_OPEN_LISTS:
            self._open.popitem(last=False)
        return self._page(self._last_id, 0, limit)

    def next(self, kind: Kind, token: str, limit: int) -> Page:
        """Return the page that a token leads to.

        Raises:
            ApiError: 400, the token is not one of ours; 410, its list is forgotten.
        """
        try:
            decoded = json.loads(base64.urlsafe_b64decode(token))
            list_id, start = int(decoded["list"]), int(decoded["start"])
        except (binascii.Error, KeyError, TypeError, ValueError) as error:
            raise bad_request("continue key is not valid") from error
        if list_id not in self._open or self._open[list_id][0] is not kind:
            raise expired(EXPIRED_CONTINUE)
        return self._page(list_id, start, limit)

    def forget(self) -> None:
        """Let every token expire."""
        self._open.clear()

    def _page(self, list_id: int, start: int, limit: int) -> Page:
        _, items, revision = self._open[list_id]
        end = start + limit if limit else len(items)
        remaining = max(len(items) - end, 0)
        token = base64.urlsafe_b64encode(json.dumps({"list": list_id, "start": end}).encode()).decode()
        return Page(items[start:end], revision, token if remaining else "", remaining)
