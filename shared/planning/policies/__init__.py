"""Policies: one file per type, and what planning asks of all of them.

Belongs here: parameters, and what they do to a plan, as pure functions. Forbidden: calling a cluster; what happens
there is data on the planned objects.
"""

from shared.planning.policies.builtin import POLICY_TYPES
from shared.planning.policies.declared import (
    LOCAL,
    CheckedPolicy,
    DeclaredPolicy,
    check_policy,
    collection,
    composed,
    declared,
    destinations,
    policy_warnings,
    secret_places,
    treatments,
)

__all__ = [
    "LOCAL",
    "POLICY_TYPES",
    "CheckedPolicy",
    "DeclaredPolicy",
    "check_policy",
    "collection",
    "composed",
    "declared",
    "destinations",
    "policy_warnings",
    "secret_places",
    "treatments",
]
