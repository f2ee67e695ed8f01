"""`python -m shared.sealing keygen --out FILE`: makes a cluster's key pair and prints the public key."""

import argparse
import sys
from pathlib import Path

from shared.errors import EXIT_MISCONFIGURED
from shared.sealing.keys import generate, public_key_of, save_key


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m shared.sealing", description="Keys to seal for.")
    commands = parser.add_subparsers(dest="command", required=True)
    keygen = commands.add_parser("keygen", help="write a private key to a new file and print the public key")
    keygen.add_argument("--out", type=Path, required=True, metavar="FILE")
    chosen = parser.parse_args(arguments)
    private_key = generate()
    try:
        save_key(private_key, chosen.out)
    except OSError as error:
        sys.stderr.write(f"{chosen.out}: {error.strerror}; nothing was written\n")
        return EXIT_MISCONFIGURED
    sys.stdout.write(f"{public_key_of(private_key)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
