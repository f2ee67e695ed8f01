import pytest

from services.executor.app import kinds_by_type
from services.executor.domain.grants import DEFAULT_GRANTED_KINDS, Grants
from services.executor.settings import ExecutorSettings
from shared.jobtypes.builtin import BUILTIN
from shared.kube import GroupVersionKind

GRANTS = Grants(
    {"webservice": frozenset({"apps/v1/Deployment"}), "k8s-objects": frozenset({"*"})},
    frozenset({"v1/Secret", "example.com/v1/*"}),
)


@pytest.mark.parametrize(
    ("job_type", "kind", "allowed"),
    [
        ("webservice", "apps/v1/Deployment", True),
        ("webservice", "v1/Secret", False),
        ("k8s-objects", "v1/Secret", True),
        ("k8s-objects", "apps/v1/Deployment", False),
        ("k8s-objects", "example.com/v1/Thing", True),
        ("k8s-objects", "example.com/v2/Thing", False),
        ("from-elsewhere", "v1/Secret", True),
        ("from-elsewhere", "apps/v1/Deployment", False),
    ],
)
def test_type_may_create_what_it_says_and_by_hand_what_is_granted(job_type: str, kind: str, *, allowed: bool) -> None:
    assert GRANTS.allow(job_type, GroupVersionKind.parse(kind)) is allowed


def test_refusal_says_who_can_change_it() -> None:
    words = GRANTS.refusal("k8s-objects", GroupVersionKind.parse("v1/Pod"))

    assert "v1/Pod" in words
    assert "KUBEMIN_GRANTED_KINDS" in words


@pytest.mark.parametrize("part", ["rbac.", "Namespace", "Webhook", "CustomResourceDefinition", "NetworkPolicy"])
def test_nothing_that_grants_rights_or_belongs_to_the_cluster_is_granted_by_default(part: str) -> None:
    assert not [kind for kind in DEFAULT_GRANTED_KINDS if part in kind]


def test_default_setting_is_the_default_list() -> None:
    field = ExecutorSettings.model_fields["granted_kinds"]

    assert field.default == ",".join(DEFAULT_GRANTED_KINDS)


def test_every_built_in_type_may_create_what_traits_add() -> None:
    traits = {kind for trait in BUILTIN.traits.values() for kind in trait.kinds}

    assert all(traits <= kinds_by_type(BUILTIN)[name] for name in BUILTIN.job_types)


@pytest.mark.parametrize(
    ("declared", "kind"),
    [("volume", "v1/PersistentVolumeClaim"), ("config", "v1/ConfigMap"), ("secret", "v1/Secret")],
)
def test_declared_objects_need_no_grant(declared: str, kind: str) -> None:
    grants = Grants(kinds_by_type(BUILTIN), frozenset())

    assert grants.allow(declared, GroupVersionKind.parse(kind))
    assert not grants.allow(declared, GroupVersionKind.parse("v1/Pod"))
