"""`python -m tests.bench.holding KUBECONFIG CONTEXT NAMESPACE`: lists pods, keeps them all, and tells its memory.

What a watcher costs that keeps objects as they come: the baseline for one that does not.
"""

import asyncio
import json
import os
import sys

from shared.kube import KubeApi
from shared.kube.kinds import GroupVersionKind
from tests.bench.processes import costs


async def hold(kubeconfig: str, context: str, namespace: str) -> dict[str, int]:
    """List and keep; returns resident memory before and after, in bytes."""
    api = await KubeApi.connect(kubeconfig=kubeconfig, context=context)
    try:
        await api.version()
        before = costs({"self": os.getpid()})["self"].rss_bytes
        held = (await api.list_objects(GroupVersionKind("v1", "Pod"), namespace=namespace)).objects
        return {"pods": len(held), "before": before, "after": costs({"self": os.getpid()})["self"].rss_bytes}
    finally:
        await api.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(hold(*sys.argv[1:4]))))
