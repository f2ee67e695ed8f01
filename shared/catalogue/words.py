"""Completion rules in words, for people who wonder what is waited for."""

import re

from shared.contracts.completion import (
    AllOf,
    AnyOf,
    Compare,
    CompletionRule,
    FieldOperand,
    Not,
    ValueOperand,
)

AT_ONCE = "Done as soon as it is there."

_CONDITION = re.compile(r"status\.conditions\[type=(\w+)\]\.status")
_Condition = Compare | AllOf | AnyOf | Not
_COMPARISONS = {
    "==": "is",
    "!=": "is not",
    ">=": "is at least",
    ">": "is more than",
    "<=": "is at most",
    "<": "is less than",
}


def rule_in_words(rule: CompletionRule | None) -> str:
    """One or two sentences."""
    if rule is None:
        return AT_ONCE
    success = _said(rule.success)
    if rule.health_only:
        return f"Done as soon as it is there; healthy while {success}." if success else AT_ONCE
    failed = "" if rule.failure is None else f" Failed for good when {_said(rule.failure)}."
    return f"Done when {success}.{failed}" if success else f"{AT_ONCE}{failed}"


def _said(condition: _Condition, *, inner: bool = False) -> str:
    match condition:
        case AllOf(of=conditions):
            return _joined(conditions, " and ", inner=inner)
        case AnyOf(of=conditions):
            return _joined(conditions, " or ", inner=inner)
        case Not(of=Compare(comparison="==") as compare):
            return _compared(compare, "!=")
        case Not(of=negated):
            return f"not ({_said(negated)})"
        case Compare(comparison=comparison):
            return _compared(condition, comparison)


def _compared(compare: Compare, comparison: str) -> str:
    left = _operand(compare.left)
    if isinstance(compare.right, ValueOperand) and compare.right.value is None:
        return f"there is no {left}" if comparison == "==" else f"{left} is there"
    return f"{left} {_COMPARISONS[comparison]} {_operand(compare.right)}"


def _joined(conditions: tuple[_Condition, ...], word: str, *, inner: bool) -> str:
    said = word.join(_said(condition, inner=True) for condition in conditions)
    return f"({said})" if inner and len(conditions) > 1 else said


def _operand(operand: FieldOperand | ValueOperand) -> str:
    if isinstance(operand, ValueOperand):
        return f"`{operand.value}`"
    if _CONDITION.fullmatch(operand.path):
        return _CONDITION.sub(r"the condition `\1`", operand.path)
    # What is absent counts as nothing.
    absent = f" (`{operand.default}` if absent)" if operand.default else ""
    return f"`{operand.path}`{absent}"
