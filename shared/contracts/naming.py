"""The one naming function: knows every limit and shortens with a hash, so that names stay stable and distinct."""

import hashlib
import re

NAME_MAX = 63
"""RFC 1123 label: Services, pods' hostnames, label values, Jobs."""
CRON_JOB_MAX = 52
"""Kubernetes appends 11 characters to a CronJob's name for its Jobs."""
_NO_LABEL = re.compile(r"[^a-z0-9]+")
_HASH = 8
_DIGEST = 10


def fit(name: str, limit: int = NAME_MAX) -> str:
    """Return the name, or where it is too long its beginning and a hash of the whole."""
    if len(name) <= limit:
        return name
    hashed = hashlib.sha256(name.encode()).hexdigest()[:_HASH]
    return f"{name[: limit - _HASH - 1].rstrip('-.')}-{hashed}"


def label(name: str, limit: int = NAME_MAX) -> str:
    """Return a DNS subdomain as a label: dots become dashes, and a hash keeps `a.b` apart from `a-b`."""
    if "." not in name:
        return fit(name, limit)
    hashed = hashlib.sha256(name.encode()).hexdigest()[:_HASH]
    return f"{name.replace('.', '-')[: limit - _HASH - 1].rstrip('-')}-{hashed}"


def joined(*parts: str, limit: int = NAME_MAX) -> str:
    """Join the parts that are not empty by `-` and fit the result."""
    return fit("-".join(p for p in parts if p), limit)


def job_name(base: str, template_digest: str, attempt: int) -> str:
    """A Job is its own ledger: component, digest of its template, attempt."""
    suffix = f"-{template_digest[:_DIGEST]}-{attempt}"
    return fit(base, NAME_MAX - len(suffix)) + suffix


def as_label(text: str) -> str:
    """The DNS label that is nearest to a text; empty where nothing is left of it."""
    return _NO_LABEL.sub("-", text.lower())[:NAME_MAX].strip("-")
