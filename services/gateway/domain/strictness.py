"""`strict`: what is otherwise only warned of refuses a document, together with all that is wrong with it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shared.contracts.plan import Finding
from shared.planning import DocumentRejected


def admit(warnings: Sequence[Finding], *, strict: bool) -> None:
    """Let a document pass that has nothing worse than warnings; raises DocumentRejected with them if it is strict."""
    if strict and warnings:
        raise DocumentRejected(warnings)


@contextmanager
def all_told(*, strict: bool) -> Iterator[None]:
    """Where it is strict, tell warnings with the errors: mending one must not bring up the other."""
    try:
        yield
    except DocumentRejected as error:
        if not strict or not error.warnings:
            raise
        raise DocumentRejected([*error.findings, *error.warnings]) from error
