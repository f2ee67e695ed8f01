"""Where output goes: answers to standard output, and what is said about them to where it does not disturb."""

import sys

from rich.console import Console, RenderableType
from rich.text import Text

from cli.failures import Failure, Refused
from cli.outputs import Output, PlanOutput
from cli.printing import show
from cli.render import findings
from cli.render.phases import BAD, QUIET
from cli.render.text import plain

_PIPE_WIDTH = 4096
"""Columns where nobody looks: programs read whole lines."""


class Terminal:
    """Standard output and standard error."""

    def __init__(self, output: str = Output.TABLE) -> None:
        self.output = output
        self.out = _console(stderr=False)
        self.err = _console(stderr=True)
        self._documents = 0

    @property
    def human(self) -> Console:
        """Where text for people goes: beside the answer where a program reads that."""
        return self.out if self.output == Output.TABLE else self.err

    def say(self, text: RenderableType) -> None:
        """Show something to people."""
        show(self.human, text)

    def answer(self, body: bytes, text: RenderableType) -> None:
        """Give the answer in the form that was asked for."""
        if self.output == Output.TABLE:
            show(self.out, text)
        else:
            self.write(body)

    def write(self, body: bytes) -> None:
        """Give the gateway's JSON as it is, or as YAML."""
        raw = _as_yaml(body) if self.output == PlanOutput.YAML else body
        if self.output == PlanOutput.YAML and self._documents:
            raw = b"---\n" + raw
        self._documents += 1
        sys.stdout.flush()
        sys.stdout.buffer.write(raw if raw.endswith(b"\n") else raw + b"\n")
        sys.stdout.buffer.flush()

    def fail(self, failure: Failure) -> None:
        """Say why it did not work, and what to do about it."""
        if isinstance(failure, Refused):
            show(self.err, findings.problem(failure.problem, "kubemin"))
        else:
            self.err.print(Text.assemble(("kubemin: ", BAD), plain(failure.message)))
        if failure.remedy:
            self.err.print(Text(plain(failure.remedy), style=QUIET))


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    # An encoding that lacks our signs shows their codes instead of failing.
    stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    return Console(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        width=None if stream.isatty() else _PIPE_WIDTH,
    )


def _as_yaml(body: bytes) -> bytes:
    import json  # noqa: PLC0415 - two modules that only one output format needs

    import yaml  # noqa: PLC0415

    text: str = yaml.safe_dump(json.loads(body), sort_keys=False, allow_unicode=True, width=120)
    return text.encode()
