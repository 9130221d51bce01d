"""How does a long computation survive the end of its process?"""

import errno
import io
import os
import time
import warnings
import zipfile
from pathlib import Path
from typing import Any, final

from lazyscope._checks import InputError
from lazyscope._file._whole import local_path, unwritable, write_bytes_whole

SECONDS_BETWEEN = 30.0
"""Between two writings of a checkpoint."""

_KEY = "problem"
_RULE = "a checkpoint must be a file that can be written"


@final
class Checkpoint:
    """A file that holds where a computation stands, written whole every `SECONDS_BETWEEN` seconds.

    Args:
        path: of the file; None for none.
        problem: digest of what is computed.
        parts: what it depends on, in words, for the refusal of the file of another one.

    Raises:
        InputError: the file is that of another problem, or no checkpoint; no file can be written there.
    """

    def __init__(self, path: str | os.PathLike[str] | None, problem: str, parts: str) -> None:
        self._path: Path | None = None if path is None else local_path("a checkpoint", path)
        self._problem, self._parts, self._written = problem, parts, time.monotonic()
        if self._path is not None:
            self._check_writable(self._path)

    def found(self) -> dict[str, Any] | None:
        """What was written last; None where there is nothing."""
        if self._path is None or not self._path.exists():
            return None
        import numpy as np  # here, since it takes its time to load

        try:
            with np.load(self._path, allow_pickle=False) as held:
                state = {name: held[name] for name in held.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise self._refused("a file that is no checkpoint") from error
        if str(state.pop(_KEY, "")) != self._problem:
            raise self._refused("the checkpoint of another problem")
        return state

    def offer(self, state: dict[str, Any], *, last: bool = False) -> None:
        """Write where the computation stands, if it is time.

        A disk that fills up meanwhile is warned of: what was computed so far is not lost by it.
        """
        if self._path is None or (not last and time.monotonic() - self._written < SECONDS_BETWEEN):
            return
        import numpy as np

        content = io.BytesIO()
        np.savez(content, **{_KEY: np.asarray(self._problem)}, **state)
        try:
            write_bytes_whole(content.getvalue(), self._path)
        except OSError as error:
            warnings.warn(str(unwritable(_RULE, self._path, error)), RuntimeWarning, stacklevel=2)
        self._written = time.monotonic()

    def _check_writable(self, path: Path) -> None:
        """Refuse before anything is computed what could not be kept at the end."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not os.access(path.parent, os.W_OK):
                raise PermissionError(errno.EACCES, "the folder is not writable")
        except OSError as error:
            raise unwritable(_RULE, path, error) from error

    def _refused(self, what: str) -> InputError:
        return InputError(
            f"a checkpoint must belong to {self._parts}",
            received=f"{str(self._path)!r}, {what}",
            cause="a path that was used before, or settings that changed since",
            fix="give another path, or delete the file to begin anew",
        )
