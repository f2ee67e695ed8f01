"""What is wrong with a document in the dialect, by the codes that its users know."""

from collections.abc import Iterable
from enum import StrEnum

from shared.contracts.plan import Finding
from shared.planning.findings import nearest


class Code(StrEnum):
    """The dialect's own codes; what it has no word for is told by ours."""

    MISSING_REQUIRED_FIELD = "MISSING_REQUIRED_FIELD"
    NAME_TOO_SHORT = "NAME_TOO_SHORT"
    NAME_TOO_LONG = "NAME_TOO_LONG"
    INVALID_NAME_FORMAT = "INVALID_NAME_FORMAT"
    INVALID_COMPONENT_TYPE = "INVALID_COMPONENT_TYPE"
    INVALID_STORAGE_TYPE = "INVALID_STORAGE_TYPE"
    INVALID_PROBE_TYPE = "INVALID_PROBE_TYPE"
    INVALID_ENVFROM_TYPE = "INVALID_ENVFROM_TYPE"
    DUPLICATE_COMPONENT = "DUPLICATE_COMPONENT"
    DUPLICATE_WORKFLOW_STEP = "DUPLICATE_WORKFLOW_STEP"
    MISSING_IMAGE = "MISSING_IMAGE"
    INVALID_STORAGE_SIZE = "INVALID_STORAGE_SIZE"
    INVALID_WORKFLOW_MODE = "INVALID_WORKFLOW_MODE"
    INVALID_PROBE_CONFIG = "INVALID_PROBE_CONFIG"
    INVALID_ENV_VALUE_SOURCE = "INVALID_ENV_VALUE_SOURCE"
    NESTED_TRAIT_FORBIDDEN = "NESTED_TRAIT_FORBIDDEN"
    MISSING_RBAC_RULES = "MISSING_RBAC_RULES"
    MISSING_RBAC_VERBS = "MISSING_RBAC_VERBS"
    MISSING_INGRESS_ROUTES = "MISSING_INGRESS_ROUTES"
    MISSING_SERVICE_NAME = "MISSING_SERVICE_NAME"
    INVALID_TRAIT_CONFIG = "INVALID_TRAIT_CONFIG"
    WORKFLOW_STEP_NO_COMPONENT = "WORKFLOW_STEP_NO_COMPONENT"
    COMPONENT_NOT_FOUND = "COMPONENT_NOT_FOUND"


class Notes:
    """Collects errors and warnings; messages never repeat a value, which may be a secret."""

    def __init__(self) -> None:
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []

    def error(self, path: str, code: str, message: str, remedy: str = "") -> None:
        """Note what refuses the document."""
        self.errors.append(Finding(path=path, code=code, message=message, remedy=remedy))

    def warn(self, path: str, code: str, message: str, remedy: str = "") -> None:
        """Note what the author ought to know."""
        self.warnings.append(Finding(path=path, code=code, message=message, remedy=remedy))

    def no_effect(self, path: str, why: str) -> None:
        """Warn that something was read and nothing comes of it."""
        self.warn(path, "NoEffect", f"has no effect: {why}")

    def not_one_of(self, path: str, code: Code, allowed: Iterable[str], found: str) -> None:
        """Refuse a word that is none of the known ones."""
        words = list(allowed)
        meant = nearest(found, words) if found else ""
        remedy = f"Did you mean {meant!r}?" if meant else ""
        self.error(path, code, f"must be one of {', '.join(words)}", remedy)
