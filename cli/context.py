"""Which gateway is talked to, and with which token.

The first that says so counts, for each of the two: an option, the environment (KUBEMIN_SERVER, KUBEMIN_TOKEN), the
chosen context of the configuration file (`$KUBEMIN_CONFIG`, else `~/.config/kubemin/config.json`):

    {"current": "dev", "contexts": {"dev": {"server": "http://127.0.0.1:8080", "token": "…"}}}

A context's token is sent to that context's server alone.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from yarl import URL

from cli.failures import NoContext, UsageProblem

_OTHERS = 0o077


class Context(BaseModel):
    """A gateway and the token for it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    server: str
    token: str = Field(default="", repr=False)


class Configuration(BaseModel):
    """The file; what other versions of the command put there is kept."""

    model_config = ConfigDict(extra="allow", frozen=True)

    current: str | None = None
    contexts: dict[str, Context] = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says."""

    server: str | None = None
    token_file: Path | None = None
    context: str | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """Whom to talk to."""

    server: URL
    token: str
    token_source: str
    """Where the token came from, for messages."""

    def __repr__(self) -> str:
        """Without the token: a traceback may show it."""
        return f"Target({self.server}, token from {self.token_source})"


def path(environment: Mapping[str, str]) -> Path:
    """Return where the configuration is."""
    chosen = environment.get("KUBEMIN_CONFIG")
    base = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(chosen).expanduser() if chosen else Path(base).expanduser() / "kubemin" / "config.json"


def read(file: Path) -> Configuration:
    """Read the configuration, empty where there is no file; raises UsageProblem."""
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        return Configuration()
    except OSError as error:
        raise UsageProblem(f"{file} cannot be read: {error.strerror}") from error
    try:
        return Configuration.model_validate_json(raw)
    except ValidationError as error:
        # The input itself is left out: it may be a token.
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = f"{where}: {first['msg']}" if where else first["msg"]
        raise UsageProblem(f"{file} is no configuration of kubemin: {said}", "Repair it, or delete it.") from error


def write(file: Path, configuration: Configuration) -> None:
    """Replace the configuration in one step, readable by its owner alone; raises UsageProblem."""
    text = json.dumps(configuration.model_dump(mode="json"), indent=2) + "\n"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp makes the file for its owner alone.
        descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(draft).replace(file)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageProblem(f"{file} cannot be written: {error.strerror}") from error


def exposed(file: Path) -> bool:
    """Whether others than its owner may read the file."""
    try:
        return bool(file.stat().st_mode & _OTHERS)
    except OSError:
        return False


def added(configuration: Configuration, name: str, context: Context) -> Configuration:
    """Return the configuration with one more context, which is current if it is the first."""
    contexts = {**configuration.contexts, name: context}
    current = configuration.current if configuration.current in contexts else name
    return configuration.model_copy(update={"contexts": contexts, "current": current})


def chosen(configuration: Configuration, name: str) -> Configuration:
    """Return the configuration with another current context; raises UsageProblem where there is none of that name."""
    _named(configuration, name)
    return configuration.model_copy(update={"current": name})


def target(options: Options, environment: Mapping[str, str], file: Path) -> Target:
    """Return whom to talk to; raises UsageProblem with what is missing."""
    configuration = read(file)
    name = options.context or configuration.current
    context = _named(configuration, name) if name is not None else None
    said = options.server or environment.get("KUBEMIN_SERVER")
    if said is None and context is None:
        what = f"{file} has no current context" if configuration.contexts else "no gateway is known"
        raise NoContext(what)
    server = server_url(said if said is not None else context.server if context is not None else "")
    ours = context if context is not None and server == server_url(context.server) else None
    token, source = _token(options, environment, ours, name or "")
    if not token:
        raise UsageProblem(
            f"there is no token for the gateway at {server}",
            "Give one with --token-file FILE or KUBEMIN_TOKEN, "
            "or keep it: `kubemin context add NAME --server URL --token-file FILE`.",
        )
    return Target(server=server, token=token, token_source=source)


def server_url(text: str) -> URL:
    """Read a gateway's address; raises UsageProblem."""
    try:
        url = URL(text.strip())
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host or url.query_string or url.fragment or url.user:
        raise UsageProblem(
            f"{text!r} is no address of a gateway", "Write it as in http://127.0.0.1:8080 or https://kubemin.example."
        )
    return url.with_path(url.path.rstrip("/") + "/")


def read_token(file: Path) -> str:
    """Read a token from a file of its own; raises UsageProblem."""
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageProblem(f"the token file {file} cannot be read: {cause}") from error
    if not token:
        raise UsageProblem(f"the token file {file} is empty")
    return _checked(token, str(file))


def _token(options: Options, environment: Mapping[str, str], context: Context | None, name: str) -> tuple[str, str]:
    if options.token_file is not None:
        return read_token(options.token_file), str(options.token_file)
    if token := environment.get("KUBEMIN_TOKEN", "").strip():
        return _checked(token, "KUBEMIN_TOKEN"), "KUBEMIN_TOKEN"
    if context is not None:
        return _checked(context.token, f"context {name}"), f"context {name!r}"
    return "", ""


def _checked(token: str, source: str) -> str:
    """What cannot stand in a header is no token, and would be taken apart there."""
    if any(not "!" <= character <= "~" for character in token):
        raise UsageProblem(f"what {source} has is no token: it has blanks or characters beyond ASCII")
    return token


def _named(configuration: Configuration, name: str) -> Context:
    found = configuration.contexts.get(name)
    if found is None:
        known = ", ".join(sorted(configuration.contexts))
        remedy = f"There are: {known}." if known else "There is none yet: `kubemin context add` or `kubemin dev`."
        raise UsageProblem(f"there is no context {name!r}", remedy)
    return found
