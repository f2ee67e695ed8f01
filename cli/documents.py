"""From files, directories and standard input to the documents in them, each as its author wrote it.

A file is split at its document markers and nothing else is done to it: what is in a document is the gateway's to judge.
Source: https://yaml.org/spec/1.2.2/#91-document-structure (no document can have a marker at the start of a line).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cli.failures import UsageProblem

SUFFIXES = (".yaml", ".yml", ".json")
"""What is taken from a directory."""
STDIN = "-"

_MARKER = re.compile(r"---(?=[ \t\r\n]|$)")
_END = re.compile(r"\.\.\.(?=[ \t\r\n]|$)")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_PADDED_LINES = 10_000
"""Blank lines cost a byte each; beyond that many, line numbers count from the document's own beginning."""


@dataclass(frozen=True)
class Document:
    """One document of a file."""

    source: str
    """The file's name, as people know it."""
    line: int
    """Of the file, where the document begins; counts from 1."""
    text: str
    """As in the file, after blank lines for what stands before it: line numbers in messages are the file's."""
    number: int = 1
    """Among the file's documents; counts from 1."""
    count: int = 1
    """How many the file has."""

    @property
    def first_line(self) -> int:
        """Of the file, where `text` begins; counts from 1."""
        return 1 if self.line - 1 <= _PADDED_LINES else self.line

    @property
    def name(self) -> str:
        """For messages: the file, and which document where it has several."""
        return self.source if self.count == 1 else f"{self.source} (document {self.number}, line {self.line})"


def read_all(arguments: Sequence[str], stdin: BinaryIO) -> list[Document]:
    """Read everything that was named, in that order, directories by file name; raises UsageProblem."""
    documents: list[Document] = []
    for argument in arguments:
        found = [document for source, raw in _sources(argument, stdin) for document in split(source, raw)]
        if not found:
            raise UsageProblem(
                f"{argument}: there is no document in it",
                f"Looked for {', '.join(SUFFIXES)}, and not in the folders of a folder.",
            )
        documents += found
    return documents


def split(source: str, raw: bytes) -> list[Document]:
    """Take a file apart; raises UsageProblem where it is no text."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UsageProblem(f"{source}: line {line} is not UTF-8 text") from error
    if source.endswith(".json"):
        return [Document(source, 1, text)] if text.strip() else []
    pieces = [(line, piece) for line, piece in _pieces(text) if not _is_empty(piece)]
    return [
        Document(source, line, _padded(line, piece), number, len(pieces))
        for number, (line, piece) in enumerate(pieces, 1)
    ]


def _sources(argument: str, stdin: BinaryIO) -> Iterator[tuple[str, bytes]]:
    if argument == STDIN:
        yield "(standard input)", stdin.read()
        return
    path = Path(argument)
    try:
        if not path.is_dir():
            yield argument, path.read_bytes()
            return
        for file in sorted(path.iterdir()):
            if file.suffix in SUFFIXES and file.is_file():
                yield str(file), file.read_bytes()
    except FileNotFoundError as error:
        raise UsageProblem(f"{argument}: there is no such file or directory") from error
    except OSError as error:
        raise UsageProblem(f"{argument}: it cannot be read: {error.strerror}") from error


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Every document with the line that it begins at; its own marker and directives belong to it."""
    piece: list[str] = []
    begins, marked = 1, False
    for number, line in enumerate(_LINE.findall(text), 1):
        if _MARKER.match(line):
            if marked or not _is_preamble(piece):
                yield begins, "".join(piece)
                piece, begins = [], number
            marked = True
        elif _END.match(line):
            yield begins, "".join(piece)
            piece, begins, marked = [], number + 1, False
            continue
        piece.append(line)
    yield begins, "".join(piece)


def _is_preamble(lines: Sequence[str]) -> bool:
    """Directives, comments and blank lines: what may stand before a document's marker."""
    return all(not line.strip() or line.startswith("%") or line.lstrip().startswith("#") for line in lines)


def _is_empty(piece: str) -> bool:
    return _is_preamble([_MARKER.sub("", line) for line in _LINE.findall(piece)])


def _padded(line: int, piece: str) -> str:
    before = line - 1
    return "\n" * before + piece if before <= _PADDED_LINES else piece
