"""Messages that were set aside."""

import json
from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from cli.render.layout import Rows, indented
from cli.render.phases import BAD, GOOD, HELD, QUIET
from cli.render.text import age, counted, plain
from shared.contracts.api import ParkedSummary, ParkedView, ReplayResult

_INDENT = 2
_OUTCOMES = {"handled": ("✓ handled", GOOD), "refused": ("✗ refused", BAD), "postponed": ("… postponed", HELD)}


def listed(messages: Sequence[ParkedSummary], now: datetime) -> RenderableType:
    """A line for each."""
    rows = Rows(("NUMBER", "PARKED", "CONSUMER", "REASON", "APPLICATION", "MESSAGE"))
    for message in messages:
        rows.add(
            str(message.sequence),
            age(message.parked_at, now),
            plain(message.consumer),
            Text(plain(message.reason), style=BAD),
            f"{message.namespace}/{message.name}",
            note=Text(plain(message.message), style=QUIET),
        )
    return rows


def shown(message: ParkedView, now: datetime) -> RenderableType:
    """Everything about one."""
    rows = Rows(("WHAT", "VALUE", ""))
    rows.add("number", str(message.sequence))
    rows.add("parked", age(message.parked_at, now))
    rows.add("consumer", plain(message.consumer))
    rows.add("reason", Text(plain(message.reason), style=BAD))
    rows.add("message", plain(message.message))
    rows.add("subject", plain(message.subject))
    rows.add("size", counted(message.size_bytes, "byte"))
    rows.add("replayable", "yes" if message.replayable else "no")
    for key, value in sorted(message.headers.items()):
        rows.add("header", f"{plain(key)}: {plain(value)}")
    return Group(rows, "", *_content(message))


def _content(message: ParkedView) -> list[RenderableType]:
    if message.payload_dropped:
        return [Text("It was too large to be kept.", style=HELD)]
    if message.envelope is None:
        return [Text("Its bytes are no message; `-o json` has them in base64.", style=HELD)]
    lines = json.dumps(message.envelope, indent=2, ensure_ascii=False).splitlines()
    # Line by line: what a terminal would act upon is shown, indents are kept.
    return [indented(Text(" " * (len(line) - len(line.lstrip())) + plain(line)), _INDENT) for line in lines]


def replayed(number: int, result: ReplayResult) -> RenderableType:
    """What came of a replay."""
    words, style = _OUTCOMES[result.outcome]
    because = ": ".join(plain(part) for part in (result.reason, result.message) if part)
    return Text.assemble(f"{number} ", (words, style), f" {because}" if because else "")
