"""Kinds of types: an enumeration alone, so that a command line which offers them need not load the models."""

from enum import StrEnum


class TypeKind(StrEnum):
    """Where in a document a type stands."""

    COMPONENT = "component"
    TRAIT = "trait"
    POLICY = "policy"
