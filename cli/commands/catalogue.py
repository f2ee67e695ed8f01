"""`types` and `explain`."""

import re

from cli.client import Client
from cli.failures import ExitCode, UsageProblem
from cli.render import catalogue
from cli.session import Session
from shared.catalogue.walking import NoSuchField, Walker
from shared.contracts.kinds import TypeKind

_PATH = re.compile(r"([a-z0-9][a-z0-9-]*(?:@v[0-9]+)?)((?:\.[^.\s/]+)*)")


async def list_types(session: Session, client: Client, *, kind: TypeKind | None) -> ExitCode:
    """List what documents can use."""
    answer = await client.types(kind)
    session.terminal.answer(answer.body, catalogue.listed(answer.value.items))
    return ExitCode.OK


async def explain(session: Session, client: Client, path: str, *, kind: TypeKind | None) -> ExitCode:
    """Describe a type, or a field of its properties; raises UsageProblem for a path that leads nowhere."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise UsageProblem(f"{path!r} is no path", "Write TYPE or TYPE.FIELD.FIELD, such as `webservice.ports`.")
    names = found[2].split(".")[1:]
    answer = await client.type_view(found[1], kind)
    walker = Walker(answer.value.parameters)
    try:
        text = catalogue.explained(answer.value, walker.field(names) if names else None, walker.children(names))
    except NoSuchField as error:
        known = ", ".join(sorted(error.known))
        raise UsageProblem(str(error), f"There are: {known}." if known else "It has no fields of its own.") from error
    session.terminal.answer(answer.body, text)
    return ExitCode.OK
