"""A newcomer's mistakes: each with one clear sentence, what to do about it, and no traceback."""

import json
from pathlib import Path

import pytest
from aiohttp import web

from dev.processes import free_ports
from tests.integration.cli.api import Api, Command, Result, problem

LIST = "GET /api/v1/applications"


def is_clear(result: Result, *words: str) -> None:
    """A sentence and a remedy, nothing else."""
    assert result.code == 2, result
    assert result.out == ""
    assert "Traceback" not in result.err
    assert 1 <= len(result.err.splitlines()) <= 2
    for each in words:
        assert each in result.err


async def test_no_context(kubemin: Command) -> None:
    kubemin.config.unlink()
    is_clear(await kubemin("list"), "no gateway is known", "`kubemin dev`", "kubemin context add")


async def test_no_current_context(kubemin: Command) -> None:
    kubemin.config.write_text(json.dumps({"current": None, "contexts": {}}), encoding="utf-8")
    is_clear(await kubemin("list"), "no gateway is known", "`kubemin dev`")


async def test_broken_configuration(kubemin: Command) -> None:
    kubemin.config.write_text("{", encoding="utf-8")
    is_clear(await kubemin("list"), str(kubemin.config), "is no configuration")


async def test_gateway_that_is_not_running(kubemin: Command) -> None:
    kubemin.use(f"http://127.0.0.1:{free_ports(1)[0]}")
    is_clear(await kubemin("list"), "nothing listens there", "`kubemin dev`")


async def test_token_that_is_not_known(api: Api, kubemin: Command) -> None:
    kubemin.use(api.url, token="stale")
    result = await kubemin("list")
    is_clear(result, "does not accept the token from context 'test'", "`kubemin context use`")
    assert "stale" not in result.err


async def test_no_token_for_another_server(api: Api, kubemin: Command) -> None:
    is_clear(await kubemin("list", "--server", "http://127.0.0.1:1"), "no token", "--token-file")
    assert api.calls == []


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<html>hello</html>", content_type="text/html"),
        web.Response(text="not here", status=404),
        web.Response(text='{"hello": "world"}', content_type="application/json"),
        web.Response(status=302, headers={"Location": "https://login.example/"}),
    ],
    ids=["page", "404", "other-json", "redirect"],
)
async def test_server_that_is_no_gateway(api: Api, kubemin: Command, answer: web.Response) -> None:
    api.on(LIST, answer)
    is_clear(await kubemin("list"), "no KubeMin gateway", "kubemin context list")


async def test_token_is_not_carried_to_where_a_redirect_leads(api: Api, kubemin: Command) -> None:
    api.on(LIST, web.Response(status=307, headers={"Location": f"{api.url}/elsewhere"}))
    assert (await kubemin("list")).code == 2
    assert len(api.calls) == 1


async def test_proxy_without_a_gateway_behind_it(api: Api, kubemin: Command) -> None:
    api.on(LIST, web.Response(text="<html>", status=502, content_type="text/html"))
    is_clear(await kubemin("list"), "HTTP 502")


async def test_right_that_is_missing(api: Api, kubemin: Command) -> None:
    detail = "namespace 'other' does not belong to tenant 'acme'; an administrator can add it"
    api.on(LIST, problem(403, "NamespaceForbidden", title="The namespace is not yours", detail=detail))
    result = await kubemin("list", "-n", "other")
    assert (result.code, result.err) == (1, f"kubemin: The namespace is not yours: {detail}\n")


@pytest.mark.parametrize("made", ["missing.yaml", "empty"])
async def test_file_that_is_not_there(api: Api, kubemin: Command, tmp_path: Path, made: str) -> None:
    (tmp_path / "empty").mkdir()
    is_clear(await kubemin("apply", "-f", str(tmp_path / made)), made)
    assert api.calls == []


async def test_wrong_command_line(kubemin: Command) -> None:
    for arguments in (["aply"], ["apply"], ["apply", "-f", "x", "--timeout", "soon"], ["watch", "not a run"]):
        result = await kubemin(*arguments)
        assert (result.code, "Traceback" in result.err) == (2, False)
        assert result.err


async def test_configuration_that_others_may_read_is_warned_about(api: Api, kubemin: Command) -> None:
    kubemin.config.chmod(0o644)
    api.on(LIST, web.Response(text='{"items": [], "continue": null}', content_type="application/json"))
    result = await kubemin("list", "-o", "json")
    assert result.code == 0
    assert "chmod 600" in result.err


async def test_reader_that_goes_away_is_no_traceback(api: Api, kubemin: Command) -> None:
    api.on(LIST, web.Response(text='{"items": [], "continue": null}', content_type="application/json"))
    process = await kubemin.start("list")
    assert process.stdout is not None
    transport = process._transport.get_pipe_transport(1)  # type: ignore[attr-defined] # the reading end of its stdout
    transport.close()
    assert process.stderr is not None
    err = (await process.stderr.read()).decode()
    await process.wait()
    assert "Traceback" not in err


async def test_contexts_are_kept_and_chosen(kubemin: Command, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("other-token\n", encoding="utf-8")
    added = await kubemin("context", "add", "prod", "--server", "https://kubemin.example/", "--token-file", str(token))
    assert added.code == 0, added
    assert (await kubemin("context", "use", "prod")).out == "prod: https://kubemin.example\n"
    listed = await kubemin("context", "list")
    assert listed.out.splitlines()[1].split()[:2] == ["✓", "prod"]
    assert "token" not in listed.out
    missing = await kubemin("context", "use", "nope")
    assert (missing.code, missing.err) == (2, "kubemin: there is no context 'nope'\nThere are: prod, test.\n")
