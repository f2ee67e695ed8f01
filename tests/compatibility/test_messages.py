"""Messages of every kept version are read by this build."""

import json

import pytest

from shared.contracts.envelope import COMPRESS_ABOVE_BYTES
from shared.contracts.versions import VERSION
from tests.compatibility import kept
from tests.compatibility.fields import fields
from tests.compatibility.messages import LARGE, messages, on_the_wire, payload_of, read

KEPT = kept.every(kept.MESSAGES)


@pytest.mark.parametrize(("version", "name"), KEPT)
def test_kept_message_is_read_and_written_back_as_the_same(version: str, name: str) -> None:
    fixture = kept.load(version, kept.MESSAGES, f"{name}.json")
    message = read(fixture)
    assert read(on_the_wire(fixture["channel"], message)) == message


@pytest.mark.parametrize(("version", "name"), KEPT)
def test_nothing_that_a_kept_message_says_is_lost(version: str, name: str) -> None:
    fixture = kept.load(version, kept.MESSAGES, f"{name}.json")
    if "payload" not in fixture:
        pytest.skip("compressed")
    said = json.loads(payload_of(fixture))["data"]
    assert read(fixture).model_dump(mode="json", by_alias=True) | said == said


def test_a_kept_message_is_compressed() -> None:
    fixture = kept.load(kept.versions()[-1], kept.MESSAGES, f"{LARGE}.json")
    assert payload_of(fixture)[:1] == b"\x78"
    assert len(read(fixture).model_dump_json()) > COMPRESS_ABOVE_BYTES


def test_every_message_is_kept() -> None:
    missing = sorted(set(messages()) - set(kept.files(kept.versions()[-1], kept.MESSAGES)))
    assert not missing, f"no fixture of {', '.join(missing)}. {kept.how_to_keep()}"


def test_what_a_contract_has_gained_says_since_when() -> None:
    before = kept.load(kept.versions()[-1], kept.FIELDS)
    for contract, now in fields().items():
        known = before["fields"].get(contract, {})
        undeclared = [name for name, since in now.items() if name not in known and since <= before["version"]]
        assert not undeclared, f"{contract} has gained {', '.join(undeclared)}. {kept.how_to_keep()}"
        later = [name for name, since in now.items() if since > VERSION]
        assert not later, f"{contract}.{later} is later than VERSION in shared/contracts/versions.py"


def test_no_contract_has_lost_what_is_out_there() -> None:
    now = fields()
    for version in kept.versions():
        for contract, before in kept.load(version, kept.FIELDS)["fields"].items():
            lost = sorted(set(before) - set(now.get(contract, {})))
            assert not lost, f"{contract} of {version} has {', '.join(lost)}, which this build refuses: keep reading it"


def test_the_fixtures_of_the_newest_version_are_kept() -> None:
    newest = kept.load(kept.versions()[-1], kept.FIELDS)["version"]
    assert newest == VERSION, (
        f"contracts are of version {VERSION}, the newest kept are of {newest}. {kept.how_to_keep()}"
    )
