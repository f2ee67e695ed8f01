"""What the executor notes about an object in its annotations, whenever it applies it."""

from shared.contracts import annotations, managed
from shared.contracts.completion import CompletionRule
from shared.contracts.identity import Digest
from shared.contracts.plan import Treatment


def stamps(digest: Digest, generation: int, rule: CompletionRule | None, treatment: Treatment) -> dict[str, str]:
    """The annotations; `generation` is the one that introduced the digest."""
    noted = {annotations.ANNOTATION_DIGEST: str(digest), annotations.ANNOTATION_GENERATION: str(generation)}
    if rule is not None:
        noted[annotations.ANNOTATION_RULE] = rule.model_dump_json(exclude_none=True)
    kept = [kept.path for kept in treatment.kept if kept.on_state_keep]
    if kept:
        noted[annotations.ANNOTATION_KEPT] = managed.kept_text(kept)
    return noted
