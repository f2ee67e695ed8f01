"""Finds what must not be committed: paths of one machine, and names of package registries.

A clone has to work wherever it is put and with whatever registry its user has configured. The names are therefore
asked from this machine's own tools, which also keeps them out of this file.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pip._internal.models.index import PyPI

from dev.repo.tree import ROOT, project_files

TOOL_TIMEOUT_S: Final = 60
URL: Final = re.compile(r"https?://[^\s'\",|]+")
TOP_LEVEL_PARTS: Final = len(Path("/src").parts)
CONFIGURATION_PREFIXES: Final = ("PIP_", "UV_", "NPM_CONFIG_", "GOPROXY")

# Each prints the configuration that says where packages come from.
REGISTRY_QUESTIONS: Final = (
    (sys.executable, "-m", "pip", "config", "list"),
    ("npm", "config", "get", "registry"),
    ("go", "env", "GOPROXY"),
)


def registry_hosts() -> set[str]:
    """Host names of the registries that pip, npm and go use here, and of pip's own default."""
    hosts = {PyPI.netloc, PyPI.file_storage_domain}
    configurations = [value for name, value in os.environ.items() if name.startswith(CONFIGURATION_PREFIXES)]
    for question in REGISTRY_QUESTIONS:
        if shutil.which(question[0]):
            answer = subprocess.run(question, capture_output=True, check=False, text=True, timeout=TOOL_TIMEOUT_S)
            configurations.append(answer.stdout)
    for configuration in configurations:
        hosts.update(host for url in URL.findall(configuration) if (host := urlsplit(url).hostname))
    return hosts - {"localhost", "127.0.0.1"}


def machine_paths() -> set[str]:
    """Where this clone and its user's home are, unless that is a place which every machine has."""
    paths = {Path.home()} - {Path("/")}
    if len(ROOT.parts) > TOP_LEVEL_PARTS:
        paths.add(ROOT)
    return {str(path) for path in paths}


def forbidden() -> re.Pattern[bytes]:
    """One pattern for all of it; a path counts only where it begins, so that `some/src/x` is not `/src`."""
    hosts = [re.escape(host) for host in sorted(registry_hosts())]
    paths = [re.escape(path) for path in sorted(machine_paths())]
    paths.append(r"/(?:home|Users)/[a-z][a-z0-9_-]*")
    return re.compile(rf"(?i:{'|'.join(hosts)})|(?<![\w.}}-])(?:{'|'.join(paths)})/".encode())


def findings(path: Path, pattern: re.Pattern[bytes]) -> Iterator[str]:
    """Yield one sentence for each line of a text file that holds something forbidden."""
    content = path.read_bytes()
    if b"\0" in content:
        return
    for number, line in enumerate(content.splitlines(), start=1):
        if hit := pattern.search(line):
            yield f"{path.relative_to(ROOT)}:{number}: {hit.group().decode()} belongs to one machine or its registry"


def main() -> int:
    """Look through every project file; answer 1 if something was found."""
    pattern = forbidden()
    found = [sentence for path in project_files() for sentence in findings(path, pattern)]
    for sentence in found:
        print(sentence, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
