"""The values of Secrets that leave their cluster."""

import base64
from typing import Any

from services.executor.domain.copies import sealed_secret

SECRET: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "a", "labels": {"team": "blue"}, "annotations": {"note": "kept elsewhere"}},
    "type": "Opaque",
}


def test_values_of_a_secret_are_sealed_and_its_annotations_left_behind() -> None:
    data = {"a": base64.b64encode(b"plain").decode(), "b": ""}
    secret = {**SECRET, "data": data}

    sealed = sealed_secret(secret, lambda key, value: f"sealed {key} {len(value)}")

    assert sealed["data"] == {"a": "sealed a 5", "b": "sealed b 0"}
    assert sealed["metadata"] == {"name": "a", "labels": {"team": "blue"}}
    assert SECRET["metadata"]["annotations"]


def test_secret_without_values_stays_without() -> None:
    assert "data" not in sealed_secret(SECRET, lambda _key, _value: "sealed")
