"""JSON Schemas of parameters, without what pydantic says of null: a key that is there needs a value.

Source: https://json-schema.org/draft/2020-12
"""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from shared.jobtypes.base import Parameters

DIALECT = GenerateJsonSchema.schema_dialect
REF_TEMPLATE = "#/$defs/{model}"
_REFUSE_NULL = Parameters._refuse_null.__func__  # type: ignore[attr-defined] # noqa: SLF001 - the validator itself


class _Plain(GenerateJsonSchema):
    """Parameters that may be left out are null only where their model takes it; their title is their name."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Have no null as the default of a parameter that may be left out."""
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """Look behind null where the model refuses it."""
        inner = schema["schema"]
        refused = getattr(schema["function"]["function"], "__func__", None) is _REFUSE_NULL
        return self.generate_inner(inner["schema"] if refused and inner["type"] == "nullable" else inner)

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Say what keys may be, rather than that other keys may have any value."""
        described = super().dict_schema(schema)
        for pattern, values in described.pop("patternProperties", {}).items():
            described["propertyNames"] = {**described.get("propertyNames", {}), "pattern": pattern}
            described["additionalProperties"] = values
        return described

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the signature is pydantic's
        """Names are said by the keys."""
        return False


def parameter_schema(model: type[BaseModel], ref_template: str = REF_TEMPLATE) -> dict[str, Any]:
    """The schema of a parameter model, its definitions in `$defs`."""
    return model.model_json_schema(schema_generator=_Plain, ref_template=ref_template)
