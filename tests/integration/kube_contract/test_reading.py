import tempfile
from pathlib import Path

import pytest

from shared.kube import ApiUnavailable, Forbidden, GroupVersionKind, Impersonation, KindUnknown, KubeApi
from shared.kube.connection import KubeconfigInvalid
from tests.support.clusters import ADMIN, RunningCluster, key, manifest
from tests.support.conditions import until

CONFIG_MAP = GroupVersionKind("v1", "ConfigMap")


async def test_list_has_kind_and_version_in_every_object(kube: KubeApi, kube_namespace: str) -> None:
    for name in ("a", "b"):
        wanted = manifest("ConfigMap", name, kube_namespace)
        wanted["metadata"]["labels"] = {"name": name}
        await kube.create(wanted, field_manager=ADMIN)

    listing = await kube.list_objects(CONFIG_MAP, namespace=kube_namespace, label_selector="name in (b,c)")

    assert [(o["kind"], o["apiVersion"], o["metadata"]["name"]) for o in listing.objects] == [("ConfigMap", "v1", "b")]
    assert int(listing.resource_version) > 0


async def test_resource_is_found_by_its_plural_in_the_version_that_its_group_prefers(kube: KubeApi) -> None:
    config_maps = await kube.resource_named("", "configmaps")
    scalers = await kube.resource_named("autoscaling", "horizontalpodautoscalers")

    assert (str(config_maps.gvk), config_maps.namespaced) == ("v1/ConfigMap", True)
    assert str(scalers.gvk) == "autoscaling/v2/HorizontalPodAutoscaler"
    for group, plural in (("", "configmap"), ("apps", "configmaps"), ("no.such.group", "configmaps")):
        with pytest.raises(KindUnknown):
            await kube.resource_named(group, plural)


async def test_list_is_read_as_whom_one_acts_as(kube: KubeApi, kube_namespace: str, cluster: RunningCluster) -> None:
    if not cluster.enforces_rbac:
        pytest.skip("the simulator does not enforce RBAC")
    nobody = Impersonation.service_account(kube_namespace, "default")

    with pytest.raises(Forbidden, match=f"system:serviceaccount:{kube_namespace}:default"):
        [page async for page in kube.list_pages(CONFIG_MAP, namespace=kube_namespace, acting_as=nobody)]


async def test_list_of_many_comes_whole(kube: KubeApi, kube_namespace: str) -> None:
    for number in range(3):
        await kube.create(manifest("ConfigMap", f"m{number}", kube_namespace), field_manager=ADMIN)
    pages = [page async for page in kube.list_pages(CONFIG_MAP, namespace=kube_namespace, page_size=2)]

    names = [o["metadata"]["name"] for page in pages for o in page.objects]
    assert {"m0", "m1", "m2"} <= set(names)
    assert len(names) == len(set(names))
    assert len(pages) > 1
    assert len({page.resource_version for page in pages}) == 1


async def test_field_selector_reads_by_name(kube: KubeApi, kube_namespace: str) -> None:
    for name in ("a", "b"):
        await kube.create(manifest("ConfigMap", name, kube_namespace), field_manager=ADMIN)

    listing = await kube.list_objects(CONFIG_MAP, namespace=kube_namespace, field_selector="metadata.name=b")

    assert [o["metadata"]["name"] for o in listing.objects] == ["b"]


async def test_metadata_of_a_secret_comes_without_its_values(kube: KubeApi, kube_namespace: str) -> None:
    await kube.create(manifest("Secret", "s", kube_namespace, stringData={"password": "s3cret"}), field_manager=ADMIN)

    found = await kube.get(key("Secret", "s", kube_namespace), metadata_only=True)

    assert found["metadata"]["name"] == "s"
    assert "data" not in found


async def test_impersonated_account_may_do_what_its_role_says(
    kube: KubeApi, kube_namespace: str, cluster: RunningCluster
) -> None:
    if not cluster.enforces_rbac:
        pytest.skip("the simulator stores roles and does not enforce them")
    account = Impersonation.service_account(kube_namespace, "tenant")
    wanted = manifest("ConfigMap", "a", kube_namespace)

    with pytest.raises(Forbidden, match=f"system:serviceaccount:{kube_namespace}:tenant"):
        await kube.apply(wanted, field_manager="m", force=False, acting_as=account)
    await kube.create(
        manifest(
            "RoleBinding",
            "tenant",
            kube_namespace,
            "rbac.authorization.k8s.io/v1",
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
            subjects=[{"kind": "ServiceAccount", "name": "tenant", "namespace": kube_namespace}],
        ),
        field_manager=ADMIN,
    )
    # The API server's authorizer hears of a binding a moment after it was stored.
    await until(lambda: kube.may("patch", CONFIG_MAP, kube_namespace, acting_as=account))

    applied = await kube.apply(wanted, field_manager="m", force=False, acting_as=account)
    assert applied["metadata"]["uid"]


async def test_version_tells_a_simulation_from_a_cluster(kube: KubeApi, cluster: RunningCluster) -> None:
    version = await kube.version()

    assert ("simulat" in version["gitVersion"].lower()) is (cluster.name == "sim")


async def test_server_that_is_away_is_unavailable(tmp_path: Path, unused_tcp_port: int) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        f"""
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{unused_tcp_port}"}}}}]
users: [{{name: u, user: {{token: made-up}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""
    )
    api = await KubeApi.connect(kubeconfig=str(kubeconfig))

    with pytest.raises(ApiUnavailable):
        await api.version()
    await api.close()


@pytest.mark.parametrize("content", ["", "no: kubeconfig", "[]", "}{"])
async def test_kubeconfig_that_is_none_is_refused_by_name(tmp_path: Path, content: str) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(content)

    with pytest.raises(KubeconfigInvalid, match=str(kubeconfig)):
        await KubeApi.connect(kubeconfig=str(kubeconfig))


async def test_keys_of_the_kubeconfig_are_left_in_no_file(
    cluster: RunningCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for _ in range(2):
        api = await KubeApi.connect(kubeconfig=str(cluster.kubeconfig))
        assert (await api.version())["gitVersion"]
        await api.close()

    assert entries(tmp_path) == []


def entries(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def test_context_that_is_not_there_is_refused(cluster: RunningCluster) -> None:
    with pytest.raises(KubeconfigInvalid, match="no-such-context"):
        await KubeApi.connect(kubeconfig=str(cluster.kubeconfig), context="no-such-context")


async def test_pod_without_a_service_account_is_told_so() -> None:
    with pytest.raises(KubeconfigInvalid, match="service account of the pod"):
        await KubeApi.connect()
