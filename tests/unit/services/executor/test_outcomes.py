import pytest

from services.executor.domain.outcomes import Outage, Refused, meaning
from shared.contracts.identity import AppUid, ClusterName, Namespace, ObjectKey, Tenant
from shared.contracts.phases import Reason
from shared.kube import (
    ApiUnavailable,
    Conflict,
    Forbidden,
    Impersonation,
    Invalid,
    KindUnknown,
    KubeError,
    NotFound,
    TooManyRequests,
    Unauthorized,
)
from shared.sealing import Place, SealedValueInvalid

KEY = ObjectKey(api_version="apps/v1", kind="Deployment", namespace="shop", name="web")
TENANT = Impersonation.service_account("shop", "kubemin-tenant")
PLACE = Place(Tenant("acme"), Namespace("shop"), AppUid("u1"), "db", "password")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Forbidden("no right"), Reason.FORBIDDEN),
        (Forbidden("pods is forbidden: exceeded quota: q, requested: pods=1"), Reason.QUOTA_EXCEEDED),
        (KindUnknown("example.com/v1", "Thing"), Reason.KIND_NOT_FOUND),
        (NotFound("namespaces shop not found", kind="namespaces", name="shop"), Reason.NAMESPACE_NOT_FOUND),
        (Invalid("spec.selector: Invalid value: field is immutable"), Reason.IMMUTABLE),
        (
            Invalid("spec: Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden"),
            Reason.IMMUTABLE,
        ),
        (Invalid("spec: Forbidden: spec is immutable after creation except resources.requests"), Reason.IMMUTABLE),
        (Invalid("spec.replicas: must be greater than or equal to 0"), Reason.INVALID),
        (SealedValueInvalid(PLACE, ClusterName("edge"), "damaged"), Reason.SEALED_VALUE_INVALID),
    ],
)
def test_what_cannot_be_helped_by_trying_again_is_refused(
    error: KubeError | SealedValueInvalid, reason: Reason
) -> None:
    meant = meaning(error, KEY, TENANT)

    assert isinstance(meant, Refused)
    assert meant.reason is reason
    assert str(error) in str(meant)


@pytest.mark.parametrize(
    ("error", "reason", "retry_after_s"),
    [
        (ApiUnavailable("503"), Reason.API_UNAVAILABLE, None),
        (TooManyRequests("slow down", retry_after_s=3.0), Reason.API_UNAVAILABLE, 3.0),
        (Unauthorized("token expired"), Reason.API_UNAVAILABLE, None),
        (Conflict("stale"), Reason.CONFLICT, None),
    ],
)
def test_what_may_pass_is_an_outage(error: KubeError, reason: Reason, retry_after_s: float | None) -> None:
    meant = meaning(error, KEY, TENANT)

    assert isinstance(meant, Outage)
    assert (meant.reason, meant.retry_after_s) == (reason, retry_after_s)


def test_refusal_by_rbac_names_the_account() -> None:
    assert "system:serviceaccount:shop:kubemin-tenant" in str(meaning(Forbidden("no right"), KEY, TENANT))
    assert "the executor itself" in str(meaning(Forbidden("no right"), KEY, None))
