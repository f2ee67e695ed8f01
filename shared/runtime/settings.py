"""Settings from the environment: `KUBEMIN_<FIELD>`, and `KUBEMIN_<FIELD>_FILE` for what is secret.

A service composes what it needs: `class Settings(HttpSettings, BusSettings): …`. A wrong one stops it at start.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.contracts.identity import DNS_SUBDOMAIN
from shared.errors import EXIT_MISCONFIGURED, Fatal

ENV_PREFIX = "KUBEMIN_"


class SettingsInvalid(Fatal):
    """A setting is missing or wrong."""

    def __init__(self, variable: str, problem: str) -> None:
        self.variable = variable
        self.problem = problem
        super().__init__(f"{variable}: {problem}", exit_code=EXIT_MISCONFIGURED)


class Settings(BaseSettings):
    """The base of all settings: read once at start, never changed."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment, then the files that the environment names; no .env."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _SecretFiles(settings_cls)


class HttpSettings(Settings):
    """Where a service listens: its health, its metrics, and whatever else it serves."""

    http_host: str = "127.0.0.1"
    """Loopback unless told otherwise, so that a developer's machine offers nothing to its network."""
    http_port: int = Field(default=8080, ge=0, le=65535)
    """0 takes a free one; the bound port is logged as `http_listening`."""
    http_port_file: Path | None = None
    """The bound port is written there: how a development stack finds a service that took a free one."""
    stop_grace_s: float = Field(default=20.0, gt=0)
    """Seconds for work in flight after a stop was asked for; below the 30 s that Kubernetes gives a pod."""
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    """Of our own packages; libraries log from WARNING up."""


class BusSettings(Settings):
    """How to reach NATS."""

    nats_credentials_file: Path
    """JSON with url, user, password and inbox_prefix, as `python -m shared.bus.accounts` writes it."""
    nats_connect_deadline_s: float = Field(default=60.0, gt=0)
    """Seconds to wait for the first connection: a bus that starts beside us is there by then."""


class StoreSettings(Settings):
    """How to reach MongoDB."""

    mongodb_uri: SecretStr
    """May hold a password; or `KUBEMIN_MONGODB_URI_FILE`."""
    mongodb_database: str = Field(default="kubemin", pattern="^[A-Za-z0-9_-]{1,63}$")
    """One database per installation."""
    mongodb_connect_deadline_s: float = Field(default=25.0, gt=0)
    """Seconds to wait for the first answer, after NATS is there; both together stay below the 90 s that our manifests
    give a pod to start."""


class CentralSettings(BusSettings, StoreSettings):
    """What every service of the centre needs to reach."""


class AgentSettings(BusSettings):
    """What every service of a cluster's agent needs to reach."""

    cluster: str = Field(pattern=DNS_SUBDOMAIN, max_length=63)
    """Name of the cluster as the centre registered it."""
    kubeconfig: str = ""
    """Path; empty: the service account of the pod that the service runs in."""
    kube_context: str = ""
    """Of the kubeconfig; empty: its current one."""


S = TypeVar("S", bound=Settings)


def load_settings(cls: type[S]) -> S:
    """Read the settings of a service from the environment.

    Raises:
        SettingsInvalid: naming the first variable that is missing or wrong.

    """
    try:
        return cls()
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise SettingsInvalid(_variable(cls, first), _problem(first)) from None


def _variable(cls: type[Settings], error: ErrorDetails) -> str:
    if not error["loc"]:
        # Of several together; the sentence names them.
        return "the settings"
    name = str(error["loc"][0])
    variable = f"{ENV_PREFIX}{name.upper()}"
    field = cls.model_fields.get(name)
    secret = error["type"] == "missing" and field is not None and field.annotation is SecretStr
    return f"{variable} (or {variable}_FILE)" if secret else variable


def unknown(cls: type[Settings], environ: Mapping[str, str] | None = None) -> list[str]:
    """Name the variables that look like settings and that the service does not read: misspelt, or another's."""
    known: set[str] = set()
    for name, field in cls.model_fields.items():
        variable = f"{ENV_PREFIX}{name.upper()}"
        known |= {variable, f"{variable}_FILE"} if field.annotation is SecretStr else {variable}
    given = {name.upper() for name in (os.environ if environ is None else environ)}
    return sorted(name for name in given - known if name.startswith(ENV_PREFIX))


def _problem(error: ErrorDetails) -> str:
    if error["type"] == "missing":
        return "is not set"
    # pydantic's own sentence, without the value: it may be a secret.
    return error["msg"].removeprefix("Value error, ")


def described(cls: type[Settings]) -> list[dict[str, Any]]:
    """Say of every setting which variable it is, its type, default and meaning; the base's come first."""
    schema = cls.model_json_schema()["properties"]
    return [
        {
            "variable": f"{ENV_PREFIX}{name.upper()}",
            "type": _type_name(schema[name]),
            "required": field.is_required(),
            "default": "" if field.is_required() or field.default is None else str(field.default),
            "secret": field.annotation is SecretStr,
            "meaning": " ".join(str(field.description or "").split()).replace("|", "\\|"),
        }
        for name, field in cls.model_fields.items()
    ]


def _type_name(schema: dict[str, Any]) -> str:
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    return " or ".join(str(option.get("format") or option.get("type", "string")) for option in options)


class _SecretFiles(PydanticBaseSettingsSource):
    """Reads a secret field from the file that `KUBEMIN_<FIELD>_FILE` names."""

    def __init__(self, settings_cls: type[BaseSettings], environ: Mapping[str, str] | None = None) -> None:
        super().__init__(settings_cls)
        self._environ = os.environ if environ is None else environ

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the file's content without surrounding blanks, or None."""
        variable = f"{ENV_PREFIX}{field_name.upper()}_FILE"
        path = self._environ.get(variable)
        if not path or field.annotation is not SecretStr:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except OSError as error:
            raise SettingsInvalid(variable, f"cannot read {path}: {error.strerror}") from error
        except UnicodeDecodeError:
            # Without the cause, which holds the whole content.
            raise SettingsInvalid(variable, f"{path} is no text in UTF-8") from None

    def __call__(self) -> dict[str, Any]:
        """Return every secret that a file gives."""
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}
