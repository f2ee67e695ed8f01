"""All policy types: the only place that lists them. They compose and treat in this order."""

from collections.abc import Mapping
from typing import Any

from shared.planning.policies.apply_once import APPLY_ONCE
from shared.planning.policies.base import PolicyType
from shared.planning.policies.garbage_collect import GARBAGE_COLLECT
from shared.planning.policies.override import OVERRIDE
from shared.planning.policies.read_only import READ_ONLY
from shared.planning.policies.replication import REPLICATION
from shared.planning.policies.resource_update import RESOURCE_UPDATE
from shared.planning.policies.shared_resource import SHARED_RESOURCE
from shared.planning.policies.take_over import TAKE_OVER
from shared.planning.policies.topology import TOPOLOGY

POLICY_TYPES: Mapping[str, PolicyType[Any]] = {
    entry.name: entry
    for entry in (
        TOPOLOGY,
        OVERRIDE,
        REPLICATION,
        GARBAGE_COLLECT,
        APPLY_ONCE,
        TAKE_OVER,
        SHARED_RESOURCE,
        READ_ONLY,
        RESOURCE_UPDATE,
    )
}
RETIRED: Mapping[str, str] = {
    "env-binding": "Use `topology` and `override` policies.",
    "debug": "Steps and objects tell what they wait for by themselves.",
    "health": "Health is watched without a policy.",
}
"""Types of older KubeVela → what to do instead."""
