import pytest

from shared.kube import Conflict, KubeApi, NotFound
from tests.support.clusters import ADMIN, key, manifest


async def test_delete_with_the_uid_of_another_is_refused(kube: KubeApi, kube_namespace: str) -> None:
    where = key("ConfigMap", "a", kube_namespace)
    await kube.create(manifest("ConfigMap", "a", kube_namespace), field_manager=ADMIN)

    with pytest.raises(Conflict):
        await kube.delete(where, uid="11111111-1111-1111-1111-111111111111")

    assert await kube.find(where) is not None


async def test_delete_with_its_uid_deletes(kube: KubeApi, kube_namespace: str) -> None:
    where = key("ConfigMap", "a", kube_namespace)
    made = await kube.create(manifest("ConfigMap", "a", kube_namespace), field_manager=ADMIN)

    await kube.delete(where, uid=made["metadata"]["uid"])

    assert await kube.find(where) is None
    with pytest.raises(NotFound):
        await kube.delete(where, uid=made["metadata"]["uid"])


async def test_delete_with_a_stale_version_is_refused(kube: KubeApi, kube_namespace: str) -> None:
    where = key("ConfigMap", "a", kube_namespace)
    made = await kube.create(manifest("ConfigMap", "a", kube_namespace), field_manager=ADMIN)
    await kube.patch(where, {"data": {"a": "1"}}, field_manager=ADMIN)

    with pytest.raises(Conflict):
        await kube.delete(where, resource_version=made["metadata"]["resourceVersion"])


async def test_finalizer_keeps_the_object_until_it_is_taken_off(kube: KubeApi, kube_namespace: str) -> None:
    where = key("ConfigMap", "a", kube_namespace)
    wanted = manifest("ConfigMap", "a", kube_namespace)
    wanted["metadata"]["finalizers"] = ["example.com/hold"]
    await kube.create(wanted, field_manager=ADMIN)

    await kube.delete(where)
    held = await kube.get(where)
    await kube.patch(where, {"metadata": {"finalizers": None}}, field_manager=ADMIN)

    assert held["metadata"]["deletionTimestamp"]
    assert await kube.find(where) is None
