from pathlib import Path

import pytest

from shared.errors import EXIT_MISCONFIGURED
from shared.runtime.settings import (
    BusSettings,
    HttpSettings,
    SettingsInvalid,
    StoreSettings,
    load_settings,
    unknown,
)


class Everything(HttpSettings, BusSettings, StoreSettings):
    """As a service composes them."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEMIN_NATS_CREDENTIALS_FILE", "planner.json")
    monkeypatch.setenv("KUBEMIN_MONGODB_URI", "mongodb://user:hunter2@db/")


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEMIN_HTTP_PORT", "0")
    settings = load_settings(Everything)
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 0)
    assert settings.nats_credentials_file == Path("planner.json")
    assert settings.mongodb_uri.get_secret_value() == "mongodb://user:hunter2@db/"
    assert "hunter2" not in repr(settings)


def test_a_secret_comes_from_the_file_that_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "uri"
    path.write_text("mongodb://from-file/\n")
    monkeypatch.delenv("KUBEMIN_MONGODB_URI")
    monkeypatch.setenv("KUBEMIN_MONGODB_URI_FILE", str(path))
    assert load_settings(Everything).mongodb_uri.get_secret_value() == "mongodb://from-file/"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEMIN_HTTP_PORT", "")
    assert load_settings(Everything).http_port == 8080


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("KUBEMIN_HTTP_PORT", "http", "KUBEMIN_HTTP_PORT: Input should be a valid integer"),
        ("KUBEMIN_HTTP_PORT", "70000", "KUBEMIN_HTTP_PORT: Input should be less than or equal to 65535"),
        ("KUBEMIN_STOP_GRACE_S", "-1", "KUBEMIN_STOP_GRACE_S: Input should be greater than 0"),
        ("KUBEMIN_STOP_GRACE_S", "inf", "KUBEMIN_STOP_GRACE_S: Input should be a finite number"),
        ("KUBEMIN_MONGODB_DATABASE", "a.b", "KUBEMIN_MONGODB_DATABASE: String should match pattern"),
        ("KUBEMIN_NATS_CREDENTIALS_FILE", None, "KUBEMIN_NATS_CREDENTIALS_FILE: is not set"),
        ("KUBEMIN_MONGODB_URI", None, "KUBEMIN_MONGODB_URI (or KUBEMIN_MONGODB_URI_FILE): is not set"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None, sentence: str
) -> None:
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(Everything)
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == EXIT_MISCONFIGURED


def test_a_secret_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBEMIN_MONGODB_URI")
    monkeypatch.setenv("KUBEMIN_MONGODB_URI_FILE", str(tmp_path / "absent"))
    with pytest.raises(SettingsInvalid, match=r"KUBEMIN_MONGODB_URI_FILE: cannot read .*: No such file"):
        load_settings(Everything)


def test_a_secret_file_that_is_no_text_is_named_without_its_content(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "uri"
    path.write_bytes(b"\xff\xfehunter2")
    monkeypatch.delenv("KUBEMIN_MONGODB_URI")
    monkeypatch.setenv("KUBEMIN_MONGODB_URI_FILE", str(path))
    with pytest.raises(SettingsInvalid, match=r"KUBEMIN_MONGODB_URI_FILE: .*uri is no text in UTF-8$"):
        load_settings(Everything)


def test_variables_that_nothing_reads_are_named() -> None:
    environ = {"KUBEMIN_HTTP_PROT": "1", "kubemin_window": "1", "KUBEMIN_HTTP_PORT_FILE": "p", "PATH": "/bin"}
    known = {"KUBEMIN_MONGODB_URI_FILE": "f", "kubemin_http_host": "h", "KUBEMIN_LOG_LEVEL": "INFO"}
    assert unknown(Everything, {**environ, **known}) == ["KUBEMIN_HTTP_PROT", "KUBEMIN_WINDOW"]
