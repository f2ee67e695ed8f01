"""Names that people type, checked before they become part of an address."""

import re

from cli.failures import UsageProblem
from shared.contracts.identity import DNS_LABEL, DNS_SUBDOMAIN

DEFAULT_NAMESPACE = "default"
"""Where a document without a namespace is."""

_LABEL = re.compile(DNS_LABEL)
_SUBDOMAIN = re.compile(DNS_SUBDOMAIN)
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*-[0-9]+")


def application(name: str, namespace: str | None) -> tuple[str | None, str]:
    """Return namespace and name of `name` or `namespace/name`; raises UsageProblem."""
    before, slash, after = name.partition("/")
    if slash:
        if namespace not in (None, before):
            raise UsageProblem(f"{name!r} and -n {namespace} name two namespaces")
        namespace, name = before, after
    if namespace is not None:
        check_namespace(namespace)
    if not _SUBDOMAIN.fullmatch(name):
        raise UsageProblem(f"{name!r} can be no application's name", "Names have a-z, 0-9, '-' and '.'.")
    return namespace, name


def check_namespace(namespace: str) -> None:
    """Raise UsageProblem where it can be none."""
    if not _LABEL.fullmatch(namespace):
        raise UsageProblem(f"{namespace!r} can be no namespace's name", "Names have a-z, 0-9 and '-'.")


def run(text: str) -> str:
    """Return it; raises UsageProblem where it can be no run's id."""
    if not _RUN.fullmatch(text):
        raise UsageProblem(
            f"{text!r} is no run's id", "`kubemin status APP` shows the id of an application's newest run."
        )
    return text
