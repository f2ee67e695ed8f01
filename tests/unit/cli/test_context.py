import json
from pathlib import Path
from typing import Any

import pytest

from cli import context
from cli.context import Configuration, Context, Options
from cli.failures import NoContext, UsageProblem

NAMED: dict[str, Any] = {
    "current": "dev",
    "contexts": {
        "dev": {"server": "http://127.0.0.1:8080", "token": "dev-token"},
        "prod": {"server": "https://kubemin.example/base/", "token": "prod-token"},
    },
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(NAMED), encoding="utf-8")
    return path


def test_current_context_is_the_target(file: Path) -> None:
    target = context.target(Options(), {}, file)
    assert (str(target.server), target.token) == ("http://127.0.0.1:8080/", "dev-token")


def test_another_context_can_be_chosen(file: Path) -> None:
    target = context.target(Options(context="prod"), {}, file)
    assert (str(target.server), target.token) == ("https://kubemin.example/base/", "prod-token")


def test_option_outranks_environment_outranks_context(file: Path, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("from-file\n", encoding="utf-8")
    environment = {"KUBEMIN_SERVER": "http://env:1", "KUBEMIN_TOKEN": "from-env"}
    assert context.target(Options(), environment, file).token == "from-env"
    target = context.target(Options(server="http://option:2", token_file=token_file), environment, file)
    assert (str(target.server), target.token) == ("http://option:2/", "from-file")


def test_token_of_a_context_goes_to_its_own_server_alone(file: Path) -> None:
    assert context.target(Options(server="http://127.0.0.1:8080/"), {}, file).token == "dev-token"
    for elsewhere in ("http://127.0.0.1:8081", "http://other:8080", "https://127.0.0.1:8080"):
        with pytest.raises(UsageProblem, match="no token"):
            context.target(Options(server=elsewhere), {}, file)


def test_token_is_in_no_text_of_the_target(file: Path) -> None:
    target = context.target(Options(), {}, file)
    assert "dev-token" not in f"{target!r} {target} {context.read(file)!r}"


def test_without_any_context_the_remedy_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoContext, match="no gateway is known") as raised:
        context.target(Options(), {}, tmp_path / "none.json")
    assert "kubemin dev" in raised.value.remedy


def test_unknown_context_tells_the_known_ones(file: Path) -> None:
    with pytest.raises(UsageProblem, match="'test'") as raised:
        context.target(Options(context="test"), {}, file)
    assert "dev, prod" in raised.value.remedy


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:8080", "ftp://x", "http://", "http://u:p@host", "http://h?q=1", "http://h:port", "", "http://["],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageProblem, match="no address of a gateway"):
        context.server_url(address)


@pytest.mark.parametrize(
    "raw", ["", "{", "[]", '{"contexts": {"dev": {"token": "sssecret"}}}', '{"contexts": "sssecret"}']
)
def test_broken_configuration_is_told_without_its_content(tmp_path: Path, raw: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(raw, encoding="utf-8")
    with pytest.raises(UsageProblem, match=r"config\.json is no configuration") as raised:
        context.read(path)
    assert "sssecret" not in str(raised.value)


@pytest.mark.parametrize(("token", "said"), [("", "empty"), ("two words", "no token"), ("tök", "no token")])
def test_token_file_without_a_token_is_refused(tmp_path: Path, token: str, said: str) -> None:
    path = tmp_path / "token"
    path.write_text(token, encoding="utf-8")
    with pytest.raises(UsageProblem, match=said):
        context.read_token(path)


def test_written_configuration_is_its_owners_alone_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.json"
    written = context.added(Configuration(), "dev", Context(server="http://h", token="t"))
    context.write(path, written)
    assert path.stat().st_mode & 0o777 == 0o600
    assert not context.exposed(path)
    assert context.read(path) == written
    assert [child.name for child in path.parent.iterdir()] == ["config.json"]


def test_writing_keeps_what_other_versions_put_there(file: Path) -> None:
    raw = {**NAMED, "theme": "dark", "contexts": {"dev": {**NAMED["contexts"]["dev"], "namespace": "demo"}}}
    file.write_text(json.dumps(raw), encoding="utf-8")
    context.write(file, context.added(context.read(file), "other", Context(server="http://h", token="t")))
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert (kept["theme"], kept["contexts"]["dev"]["namespace"], kept["current"]) == ("dark", "demo", "dev")


def test_first_context_becomes_current_and_another_can() -> None:
    first = context.added(Configuration(), "a", Context(server="http://a", token="t"))
    both = context.added(first, "b", Context(server="http://b", token="t"))
    assert (first.current, both.current, context.chosen(both, "b").current) == ("a", "a", "b")


def test_place_follows_the_environment(tmp_path: Path) -> None:
    assert context.path({"KUBEMIN_CONFIG": str(tmp_path / "c.json")}) == tmp_path / "c.json"
    assert context.path({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "kubemin" / "config.json"
    assert context.path({}) == Path.home() / ".config" / "kubemin" / "config.json"
