"""Commands are made of what was planned, and nothing of it is lost."""

from shared.contracts.canonical import digest
from shared.contracts.commands import ObjectToApply
from shared.contracts.completion import Compare, CompletionRule, FieldOperand, ValueOperand
from shared.contracts.identity import ObjectKey
from shared.contracts.plan import ApplyMode, Disposal, PlannedObject, Treatment

MANIFEST = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "demo"}}
RULE = CompletionRule(
    success=Compare(left=FieldOperand(path="status.ok"), comparison="==", right=ValueOperand(value=True))
)


def test_an_object_to_apply_has_all_that_the_plan_says_of_it() -> None:
    planned = PlannedObject(
        key=ObjectKey.of(MANIFEST),
        manifest=MANIFEST,
        digest=digest(MANIFEST),
        mode=ApplyMode.CREATE,
        rule=RULE,
        volume=True,
        treatment=Treatment(disposal=Disposal(orphan_dependents=True)),
    )
    wanted = ObjectToApply.of(planned, generation=3, known_uid="u1", once=True)
    for field in PlannedObject.model_fields.keys() & ObjectToApply.model_fields.keys():
        assert getattr(wanted, field) == getattr(planned, field)
        default = PlannedObject.model_fields[field].get_default()
        assert getattr(planned, field) != default, f"{field} could be lost unseen"
    assert (wanted.generation, wanted.known_uid, wanted.once) == (3, "u1", True)
