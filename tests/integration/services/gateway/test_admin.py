"""`kubemin-admin` as an operator runs it."""

import asyncio
import json
import sys
from typing import Any
from uuid import uuid4

import pytest

from dev.mongo import MongoServer
from services.gateway.domain.access import token_digest
from shared.runtime.settings import StoreSettings
from shared.sealing import generate, public_key_of
from shared.store.database import Database
from shared.store.registry import Registry


class Admin:
    """Runs commands on a database of its own."""

    def __init__(self, uri: str) -> None:
        self.env = {"KUBEMIN_MONGODB_URI": uri, "KUBEMIN_MONGODB_DATABASE": f"admin-{uuid4().hex[:8]}"}

    async def run(self, *arguments: str, code: int = 0) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.gateway.admin",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": ".", **self.env},
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        text = (out + err).decode().strip()
        assert process.returncode == code, text
        assert "Traceback" not in text
        return text

    async def json(self, *arguments: str) -> Any:
        return json.loads(await self.run(*arguments, "--output", "json"))


@pytest.fixture
def admin(mongodb: MongoServer) -> Admin:
    return Admin(mongodb.uri)


async def test_a_token_is_shown_once_and_stored_as_a_hash(admin: Admin) -> None:
    await admin.run("tenant", "create", "acme", "--namespace", "acme-dev", "--namespace", "acme-prod")
    assert await admin.json("tenant", "list") == [{"name": "acme", "namespaces": ["acme-dev", "acme-prod"]}]
    create = ("token", "create", "--tenant", "acme", "--role", "deployer", "--name", "ci", "--expires", "30d")
    created = await admin.json(*create)
    assert created["expires_at"] > created["created_at"]
    listed = await admin.run("token", "list", "--output", "json")
    assert created["token"] not in listed
    settings = StoreSettings.model_validate(
        {"mongodb_uri": admin.env["KUBEMIN_MONGODB_URI"], "mongodb_database": admin.env["KUBEMIN_MONGODB_DATABASE"]}
    )
    database = Database.connect(settings)
    stored = await Registry(database).token(token_digest(created["token"]))
    assert stored is not None
    assert (stored.name, stored.tenant) == ("ci", "acme")
    assert "token 'ci'" in await admin.run(*create, code=1)
    await admin.run("token", "revoke", "ci", "--tenant", "acme")
    stored = await Registry(database).token(token_digest(created["token"]))
    assert stored is not None
    assert stored.revoked
    await admin.json(*create)
    database.close()


async def test_clusters_have_one_default_and_keep_their_key(admin: Admin) -> None:
    key = public_key_of(generate())
    await admin.run("cluster", "add", "east", "--sealing-public-key", key, "--default", "--label", "zone=a")
    await admin.run("cluster", "add", "west", "--sealing-public-key", public_key_of(generate()), "--default")
    found = {cluster["name"]: cluster for cluster in await admin.json("cluster", "list")}
    assert (found["east"]["default"], found["west"]["default"]) == (False, True)
    assert found["east"]["labels"] == {"zone": "a"}
    await admin.run("cluster", "add", "east", "--sealing-public-key", key, "--default")
    other = public_key_of(generate())
    assert "cluster 'east'" in await admin.run("cluster", "add", "east", "--sealing-public-key", other, code=1)
    await admin.run("cluster", "remove", "west")
    assert [cluster["name"] for cluster in await admin.json("cluster", "list")] == ["east"]
    assert "no cluster 'west'" in await admin.run("cluster", "remove", "west", code=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tenant", "create", "Not A Name", "--namespace", "x"), "name"),
        (("token", "create", "--tenant", "nobody", "--role", "viewer", "--name", "x"), "no tenant 'nobody'"),
        (("token", "create", "--tenant", "a", "--role", "viewer", "--name", "x", "--expires", "soon"), "--expires"),
        (("cluster", "add", "east", "--sealing-public-key", "short"), "--sealing-public-key"),
    ],
)
async def test_mistakes_get_one_sentence(admin: Admin, arguments: tuple[str, ...], words: str) -> None:
    code = 1 if "nobody" in words else 2
    text = await admin.run(*arguments, code=code)
    assert words in text
    assert len(text.splitlines()) == 1


async def test_without_a_database_address_it_says_which_variable(admin: Admin) -> None:
    del admin.env["KUBEMIN_MONGODB_URI"]
    assert "KUBEMIN_MONGODB_URI" in await admin.run("tenant", "list", code=2)


async def test_a_namespace_belongs_to_one_tenant(admin: Admin) -> None:
    await admin.run("tenant", "create", "acme", "--namespace", "shared")
    refused = await admin.run("tenant", "create", "evil", "--namespace", "shared", code=1)
    assert "belongs to tenant 'acme'" in refused
    await admin.run("tenant", "create", "acme", "--namespace", "more")
    assert (await admin.json("tenant", "list"))[0]["namespaces"] == ["more", "shared"]
