import subprocess
import sys

import pytest

from cli.app import hoisted
from cli.commands.development import command

SLOW = ("aiohttp", "pydantic", "yaml", "cli.client", "shared.contracts.api")


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        (["list", "--server", "URL"], ["--server", "URL", "list"]),
        (["list", "--server=URL", "-n", "a"], ["--server=URL", "list", "-n", "a"]),
        (
            ["--context", "c", "apply", "-f", "x", "--token-file", "t"],
            ["--context", "c", "--token-file", "t", "apply", "-f", "x"],
        ),
        (["list", "--server"], ["--server", "list"]),
        # Of the stack, not ours.
        (["dev", "up", "--server", "x"], ["dev", "up", "--server", "x"]),
        # This one's own options.
        (["context", "add", "n", "--server", "x"], ["context", "add", "n", "--server", "x"]),
        (["status", "--", "--server"], ["status", "--", "--server"]),
    ],
)
def test_options_of_all_commands_may_stand_anywhere(typed: list[str], parsed: list[str]) -> None:
    assert hoisted(typed) == parsed


@pytest.mark.parametrize(
    ("typed", "handed_over"),
    [
        ([], ["up"]),
        (["--clusters", "2"], ["up", "--clusters", "2"]),
        (["demo"], ["demo"]),
        (["up", "--demo"], ["up", "--demo"]),
        (["--help"], ["--help"]),
    ],
)
def test_dev_means_up(typed: list[str], handed_over: list[str]) -> None:
    assert command(typed) == handed_over


def test_help_waits_for_no_import_that_it_does_not_need() -> None:
    code = (
        "import sys; sys.argv = ['kubemin', '--help']\n"
        "from cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {SLOW!r} if name in sys.modules], file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert run.stderr.strip() == "[]"
    assert "Exit codes" in run.stdout
