"""Answers in the executor's place where a command cannot be put on the bus at all: it would be tried for ever."""

from datetime import datetime
from typing import assert_never

from shared.contracts.commands import ApplyStep, Command, PrepareRun, PruneObjects
from shared.contracts.facts import Answer, AnswerHeader, RunRejected, StepErrored, StepProblem, StepRejected
from shared.contracts.phases import Reason


def refusal(command: Command, message: str, at: datetime) -> Answer:
    """Refuse a command that the bus does not take."""
    header = {name: getattr(command, name) for name in AnswerHeader.model_fields if name != "at"} | {"at": at}
    match command:
        case PrepareRun():
            problem = StepProblem(step=command.step, reason=Reason.INVALID, message=message)
            return RunRejected(**header, problems=(problem,))
        case ApplyStep():
            return StepRejected(**header, reason=Reason.INVALID, message=message)
        case PruneObjects():
            return StepErrored(**header, reason=Reason.INVALID, message=message)
        case _:
            assert_never(command)
