import json
import stat
from pathlib import Path
from typing import Any

import pytest

from shared.bus.accounts import main, write_accounts
from shared.bus.credentials import read_credentials

URL = "nats://127.0.0.1:4222"


def config(out: Path) -> dict[str, Any]:
    return json.loads((out / "nats.conf").read_text())  # type: ignore[no-any-return]


def run(out: Path, *arguments: str) -> int:
    return main(["--out", str(out), "--url", URL, *arguments])


def test_there_is_a_user_for_everyone(tmp_path: Path) -> None:
    assert run(tmp_path, "--cluster", "east", "--cluster", "eu.west") == 0
    users = {path.stem for path in tmp_path.glob("*.json")}
    centre = {"gateway", "planner", "record", "admin"}
    assert users == centre | {"cluster-east", "cluster-eu.west", "auditor-audit"}
    passwords = {read_credentials(tmp_path / f"{user}.json").password.get_secret_value() for user in users}
    assert len(passwords) == len(users)


def test_files_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    out = tmp_path / "bus"
    run(out, "--cluster", "east")
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
    assert stat.S_IMODE(out.stat().st_mode) == 0o700


def test_again_it_keeps_passwords_and_clusters_and_adds_the_new(tmp_path: Path) -> None:
    run(tmp_path, "--cluster", "east", "--file-storage", "100000000")
    before = {path.name: path.read_text() for path in tmp_path.glob("*.json")}
    run(tmp_path, "--cluster", "north")
    assert {name: (tmp_path / name).read_text() for name in before} == before
    assert {"CLUSTER-east", "CLUSTER-north"} < set(config(tmp_path)["accounts"])
    assert config(tmp_path)["jetstream"]["max_file_store"] == 100_000_000


def test_what_the_server_must_be_set_to_is_set(tmp_path: Path) -> None:
    run(tmp_path)
    written = config(tmp_path)
    assert written["max_payload"] == 8 * 1024**2
    assert written["jetstream"]["sync_interval"] == "always"


def test_an_export_names_the_one_account_that_may_import_it(tmp_path: Path) -> None:
    run(tmp_path, "--cluster", "east", "--cluster", "west")
    accounts = config(tmp_path)["accounts"]
    exports = {(export["service"], *export["accounts"]) for export in accounts["CENTRE"]["exports"]}
    imports = {
        (imported["service"]["subject"], name)
        for name, account in accounts.items()
        if name != "CENTRE"
        for imported in account["imports"]
    }
    assert imports == exports
    assert all("west" not in subject for subject, account in imports if account == "CLUSTER-east")


def test_no_two_users_share_an_inbox(tmp_path: Path) -> None:
    run(tmp_path, "--cluster", "east", "--cluster", "east.eu")
    prefixes = [read_credentials(path).inbox_prefix for path in tmp_path.glob("*.json")]
    assert len(set(prefixes)) == len(prefixes)
    assert not any("." in prefix for prefix in prefixes)


@pytest.mark.parametrize("name", ["East", "a b", "a.*", ">", "", "a_b"])
def test_a_name_that_cannot_be_in_a_subject_is_refused(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--cluster", name) == 2
    assert "cluster:" in capsys.readouterr().err
    assert not (tmp_path / "nats.conf").exists()


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("--file-storage", "8", "file_bytes: Input should be greater than or equal to 67108864"),
        ("--memory-storage", "-1", "memory_bytes: Input should be greater than or equal to 1048576"),
        ("--replicas", "0", "replicas: Input should be greater than or equal to 1"),
        ("--replicas", "7", "replicas: Input should be less than or equal to 5"),
    ],
)
def test_storage_that_cannot_hold_our_messages_is_refused(
    tmp_path: Path, option: str, value: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, option, value) == 2
    assert capsys.readouterr().err == f"storage: {problem}\n"
    assert not (tmp_path / "nats.conf").exists()


def test_nothing_that_is_written_ends_in_a_half(tmp_path: Path) -> None:
    write_accounts(tmp_path, url=URL, clusters=["east"])
    assert list(tmp_path.glob("*.new")) == []


def test_the_authority_is_kept_and_new_users_have_it(tmp_path: Path) -> None:
    given = ["--out", str(tmp_path), "--url", "tls://nats.example:4222"]
    assert main([*given, "--cluster", "east", "--ca-file", "ca.pem"]) == 0
    assert main([*given, "--cluster", "west"]) == 0
    for user in ("gateway", "cluster-east", "cluster-west", "auditor-audit"):
        assert read_credentials(tmp_path / f"{user}.json").ca_file == Path("ca.pem")
