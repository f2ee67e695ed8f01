"""What we refuse for its format a real API server refuses, and nothing that it takes."""

import json

import pytest

from dev.plane.admin_api import AdminApi, ApiError
from tests.support.amounts import MOST_BYTES, REFUSED, TAKEN, config_map, deployment, notes_of
from tests.support.formats import CASES, Case, Object

_GROUPS = {"v1": "/api/v1", "apps/v1": "/apis/apps/v1"}
_PLURALS = {"Ingress": "ingresses"}


async def _takes(api: AdminApi, namespace: str, manifest: Object) -> bool:
    root = _GROUPS.get(manifest["apiVersion"], f"/apis/{manifest['apiVersion']}")
    plural = _PLURALS.get(manifest["kind"], f"{manifest['kind'].lower()}s")
    params = {"dryRun": "All", "fieldValidation": "Strict"}
    try:
        await api.text("POST", f"{root}/namespaces/{namespace}/{plural}", body=manifest, params=params)
    except ApiError as error:
        if json.loads(error.body)["reason"] not in ("Invalid", "BadRequest"):
            raise
        return False
    return True


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_api_server_judges_texts_as_we_do(api: AdminApi, namespace: str, case: Case) -> None:
    texts = (*case.right, *case.wrong)
    judged = {text: await _takes(api, namespace, case.placed(text)) for text in texts}
    assert judged == {text: case.format.takes(text) for text in texts}


async def test_api_server_judges_amounts_as_we_do(api: AdminApi, namespace: str) -> None:
    judged = {name: await _takes(api, namespace, deployment(given)) for name, given in (TAKEN | REFUSED).items()}
    assert judged == dict.fromkeys(TAKEN, True) | dict.fromkeys(REFUSED, False)


@pytest.mark.parametrize(("more_bytes", "taken"), [(0, True), (1, False)])
async def test_api_server_bounds_annotations_as_we_do(
    api: AdminApi, namespace: str, more_bytes: int, *, taken: bool
) -> None:
    notes = notes_of(MOST_BYTES + more_bytes)
    for manifest in (config_map(notes), deployment(notes=notes)):
        assert await _takes(api, namespace, manifest) is taken
