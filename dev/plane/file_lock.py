"""A lock that one process holds and the kernel releases with it, however it ends."""

import fcntl
from pathlib import Path
from typing import BinaryIO


class FileLock:
    """An exclusive `flock` on a file, which is made when missing and stays when released."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def try_acquire(self) -> bool:
        """Take the lock, or return False when someone else, in this process or another, holds it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None
