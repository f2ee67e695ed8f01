"""`python -m shared.sealing keygen|rotate|retire`: makes and changes a cluster's key file, and says the public key."""

import argparse
import sys
from pathlib import Path

from shared.errors import EXIT_MISCONFIGURED
from shared.sealing.keys import KeyFileInvalid, add_key, generate, keep_newest, public_key_of, save_key


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        sys.stdout.write(f"{_COMMANDS[chosen.command](chosen.file)}\n")
    except KeyFileInvalid as error:
        sys.stderr.write(f"{error}; nothing was changed\n")
        return EXIT_MISCONFIGURED
    except OSError as error:
        sys.stderr.write(f"{chosen.file}: {error.strerror}; nothing was written\n")
        return EXIT_MISCONFIGURED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.sealing", description="Keys to seal for.")
    commands = parser.add_subparsers(dest="command", required=True)
    keygen = commands.add_parser("keygen", help="write a private key to a new file and print the public key")
    keygen.add_argument("--out", dest="file", type=Path, required=True, metavar="FILE")
    rotate = commands.add_parser("rotate", help="add a new key, keep the old ones, and print the new public key")
    rotate.add_argument("--file", type=Path, required=True, metavar="FILE")
    retire = commands.add_parser("retire", help="forget all keys but the newest: what they open is lost")
    retire.add_argument("--file", type=Path, required=True, metavar="FILE")
    return parser


def _keygen(path: Path) -> str:
    private_key = generate()
    save_key(private_key, path)
    return public_key_of(private_key)


def _rotate(path: Path) -> str:
    private_key = generate()
    add_key(private_key, path)
    return public_key_of(private_key)


def _retire(path: Path) -> str:
    return f"{keep_newest(path)} old keys are forgotten"


_COMMANDS = {"keygen": _keygen, "rotate": _rotate, "retire": _retire}


if __name__ == "__main__":
    sys.exit(main())
