from datetime import UTC, datetime
from typing import Any

import pytest

from shared.bus.messages import check_identity, decode
from shared.contracts import subjects
from shared.contracts.desired import ApplicationChanged, Audit, DesiredRecord
from shared.contracts.envelope import Envelope
from shared.contracts.facts import FACT
from shared.contracts.identity import PRUNE, AppName, ClusterName, StepId
from shared.errors import Rejected
from tests.support.messages import NOW, UID, a_beat, a_command, a_fact, app_ref

EAST, WEST = ClusterName("east"), ClusterName("we.st")


def envelope(message: Any) -> Envelope:
    return Envelope(
        id="1", source="test", type="dev.kubemin.X.v1", time=datetime.now(UTC), data=message.model_dump(mode="json")
    )


def a_spec() -> ApplicationChanged:
    return ApplicationChanged(
        record=DesiredRecord(
            app=app_ref(),
            uid=UID,
            generation=1,
            document={},
            clusters=(EAST,),
            audit=Audit(actor="ada", action="create", at=NOW),
            created_at=NOW,
        )
    )


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (subjects.spec(app_ref()), a_spec()),
        (subjects.run(app_ref()), a_fact()),
        (subjects.status(EAST, app_ref()), a_fact()),
        (subjects.status(WEST, app_ref()), a_fact("we.st")),
        (subjects.step(EAST, app_ref(), PRUNE), a_command()),
        (subjects.beat(EAST, "executor"), a_beat()),
        (subjects.parked("record-runs"), a_fact()),
    ],
)
def test_a_message_on_its_own_subject_is_accepted(subject: str, message: Any) -> None:
    check_identity(subject, envelope(message))


@pytest.mark.parametrize(
    ("subject", "message", "field"),
    [
        (subjects.spec(app_ref("other")), a_spec(), "app"),
        (subjects.status(EAST, app_ref("other")), a_fact(), "app"),
        (subjects.status(WEST, app_ref()), a_fact(), "cluster"),
        (subjects.step(EAST, app_ref(), StepId("web")), a_command(), "step"),
        (subjects.beat(EAST, "observe"), a_beat(), "part"),
        (subjects.beat(WEST, "executor"), a_beat(), "cluster"),
    ],
)
def test_a_message_on_anothers_subject_is_refused(subject: str, message: Any, field: str) -> None:
    with pytest.raises(Rejected, match=f"{field} in the payload") as refused:
        check_identity(subject, envelope(message))
    assert refused.value.reason == "IdentityMismatch"


def test_a_subject_that_names_nothing_is_malformed() -> None:
    with pytest.raises(Rejected) as refused:
        check_identity("kubemin.status.East.a.b", envelope(a_fact()))
    assert refused.value.reason == "Malformed"


def test_a_name_with_dots_is_compared_as_a_name() -> None:
    app = app_ref("shop.eu").model_copy(update={"name": AppName("shop.eu")})
    check_identity(subjects.status(EAST, app), envelope(a_fact(app=app)))


def test_decoding_says_where_and_never_what() -> None:
    broken = envelope(a_fact())
    data = broken.data | {"generation": "canary"}
    with pytest.raises(Rejected, match=r"ObjectsPruned\.generation") as refused:
        decode(FACT, broken.model_copy(update={"data": data}))
    assert refused.value.reason == "Malformed"
    assert "canary" not in str(refused.value)
