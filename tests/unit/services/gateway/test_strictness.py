"""Whether warnings refuse a document."""

import pytest

from services.gateway.domain import strictness
from shared.contracts.plan import Finding
from shared.planning import DocumentRejected

ERROR = Finding(path="spec.a", code="Required", message="is required")
WARNING = Finding(path="spec.b", code="UnknownKey", message="is not known here", remedy="Did you mean 'c'?")


def test_warnings_refuse_only_what_is_strict() -> None:
    strictness.admit([WARNING], strict=False)
    strictness.admit([], strict=True)
    with pytest.raises(DocumentRejected) as refused:
        strictness.admit([WARNING], strict=True)
    assert refused.value.findings == (WARNING,)


@pytest.mark.parametrize(("strict", "told"), [(False, (ERROR,)), (True, (ERROR, WARNING))])
def test_errors_of_a_strict_document_come_with_its_warnings(*, strict: bool, told: tuple[Finding, ...]) -> None:
    with pytest.raises(DocumentRejected) as refused, strictness.all_told(strict=strict):
        raise DocumentRejected([ERROR], warnings=[WARNING])
    assert refused.value.findings == told
