import pytest

from shared.kube import GroupVersionKind, Invalid, Resource


@pytest.mark.parametrize("text", ["v1/Secret", "apps/v1/Deployment", "networking.k8s.io/v1/Ingress"])
def test_kind_is_written_as_it_is_read(text: str) -> None:
    assert str(GroupVersionKind.parse(text)) == text


@pytest.mark.parametrize("text", ["", "Secret", "a/b/c/Secret", "v1/"])
def test_what_is_no_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no apiVersion/Kind"):
        GroupVersionKind.parse(text)


@pytest.mark.parametrize(
    ("kind", "plural", "namespaced", "namespace", "name", "path"),
    [
        ("v1/ConfigMap", "configmaps", True, "shop", "a", "/api/v1/namespaces/shop/configmaps/a"),
        ("v1/ConfigMap", "configmaps", True, "", "", "/api/v1/configmaps"),
        ("v1/Namespace", "namespaces", False, "", "shop", "/api/v1/namespaces/shop"),
        ("apps/v1/Deployment", "deployments", True, "shop", "", "/apis/apps/v1/namespaces/shop/deployments"),
    ],
)
def test_paths_are_those_of_the_api(
    kind: str, plural: str, *, namespaced: bool, namespace: str, name: str, path: str
) -> None:
    resource = Resource(GroupVersionKind.parse(kind), plural, namespaced, frozenset())

    assert resource.path(namespace, name) == path


@pytest.mark.parametrize("name", [".", "..", "../../secrets/b", "a%2fb"])
def test_name_cannot_leave_its_place_in_the_path(name: str) -> None:
    resource = Resource(GroupVersionKind.parse("v1/ConfigMap"), "configmaps", namespaced=True, verbs=frozenset())

    with pytest.raises(Invalid):
        resource.path("a", name)
    with pytest.raises(Invalid):
        resource.path(name, "a")
