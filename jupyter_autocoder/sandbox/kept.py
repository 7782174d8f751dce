"""The whole text of a run whose shown output was cut, in a file, where the settings ask for it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TextIO


class Kept:
    """Collects what a run prints into a private file of `folder`; a run that was not cut leaves none.

    It is bounded like the run itself, which a flood ends. A folder that cannot be written is told once, and the run
    goes on.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder).expanduser()
        self._file: TextIO | None = None
        self._path = ""
        self.problem = ""

    def write(self, text: str) -> None:
        if self.problem:
            return
        try:
            if self._file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                descriptor, self._path = tempfile.mkstemp(prefix="autocode-output-", suffix=".txt", dir=self._folder)
                self._file = os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="")
            self._file.write(text)
        except OSError as error:
            self.problem = f"the full text could not be kept in {self._folder}: {error.strerror or error}"

    def close(self, *, cut: bool) -> str:
        """End the collection; return the remark for the run: where the text is, or why it is not ("" for neither)."""
        try:
            if self._file is not None:
                self._file.close()
        except OSError as error:
            self.problem = f"the full text could not be kept in {self._folder}: {error.strerror or error}"
        if self._path and (self.problem or not cut):
            Path(self._path).unlink(missing_ok=True)
        if self.problem:
            return self.problem
        return f"the full text is in {self._path}" if cut and self._path else ""
