"""`kubemin-admin`, or `python -m services.gateway.admin`."""

import sys

from pydantic import ValidationError

from services.gateway.admin.commands import app
from shared.errors import EXIT_FAILED, EXIT_MISCONFIGURED, Fatal, KubeMinError
from shared.logging import configure


def main() -> None:
    """Run a command; what goes wrong is one sentence on standard error and an exit code."""
    configure("admin", level="WARNING")
    try:
        app(prog_name="kubemin-admin")
    except Fatal as error:
        _fail(str(error), error.exit_code)
    except KubeMinError as error:
        _fail(str(error), EXIT_FAILED)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        _fail(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}: {first['input']!r}", EXIT_MISCONFIGURED)


def _fail(sentence: str, code: int) -> None:
    sys.stderr.write(f"kubemin-admin: {sentence}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
