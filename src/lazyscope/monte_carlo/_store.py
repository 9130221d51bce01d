"""Where are kernels of draws kept, so that a call that was killed goes on?"""

import hashlib
import io
import json
from pathlib import Path
from typing import Any, final

import numpy as np

from lazyscope._checks import InputError
from lazyscope._file import read_json, unwritable, write_bytes_whole, write_text_whole

_DRAWS_FORMAT = 1
_ABOUT = "limit-kernel.json"
_NEEDED = "kernels of draws need a folder to go to"
_ROUNDING = 1e-3
"""Of the largest entry: between machines single precision differs by less, other functions by more."""


@final
class KeptKernels:
    """Kernels of finished draws in a folder, a file each; without a folder none is kept."""

    def __init__(self, folder: Path | None, x: Any, kernel: str, seed: int) -> None:
        self._folder = folder
        if folder is None:
            return
        x = np.asarray(x)
        points = hashlib.sha256(repr((x.shape, str(x.dtype))).encode() + x.tobytes()).hexdigest()
        about = {"format": _DRAWS_FORMAT, "kernel": kernel, "seed": seed, "points": points[:16]}
        path = folder / _ABOUT
        if path.exists():
            _check_same(self._told(path), about, folder)
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(_NEEDED, folder, error) from error
        write_text_whole(_NEEDED, json.dumps(about), path)

    def check_build(self, width: int, digest: str) -> None:
        """Refuse a folder whose first draw of this width was another one."""
        if self._folder is None:
            return
        path = self._folder / f"{width}.json"
        if not path.exists():
            write_text_whole(_NEEDED, json.dumps(digest), path)
        elif self._told(path) != digest:
            raise _of_other_data(self._folder, f"another start of the network at width {width}")

    def check_kernel(self, width: int, kernel: np.ndarray) -> None:
        """Refuse a folder whose first draw of this width has another kernel: another function of its weights.

        Kernels are the same where they differ by less than another machine rounds.
        """
        kept = self.read(width, 0, len(kernel))
        if kept is not None and np.abs(kept - kernel).max() > _ROUNDING * np.abs(kernel).max():
            raise _of_other_data(
                self._folder, f"another kernel of the same weights at width {width}"
            )

    def holds(self, width: int, number: int) -> bool:
        """Whether there is a file of this draw."""
        return self._folder is not None and self._path(width, number).exists()

    def read(self, width: int, number: int, num_points: int) -> np.ndarray | None:
        """A kept kernel; a file that was damaged counts as none."""
        if self._folder is None:
            return None
        try:
            found = np.load(self._path(width, number), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return found if found.shape == (num_points, num_points) else None

    def write(self, width: int, number: int, kernel: np.ndarray) -> None:
        """Keep a kernel, whole or not at all."""
        if self._folder is None:
            return
        content = io.BytesIO()
        np.save(content, kernel)
        path = self._path(width, number)
        try:
            write_bytes_whole(content.getvalue(), path)
        except OSError as error:
            raise unwritable(_NEEDED, path, error) from error

    def _told(self, path: Path) -> Any:
        """What a file of the folder says; a damaged one is that of other data."""
        try:
            return read_json(path)
        except (OSError, ValueError) as error:
            raise _of_other_data(self._folder, f"{path.name} that cannot be read") from error

    def _path(self, width: int, number: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{width}-{number}.npy"


def _check_same(found: Any, wanted: dict[str, Any], folder: Path) -> None:
    known = found if isinstance(found, dict) else {}
    off = [name for name, value in wanted.items() if known.get(name) != value]
    if off:
        raise _of_other_data(folder, f"another {' and another '.join(off)}")


def _of_other_data(folder: Path | None, received: str) -> InputError:
    return InputError(
        "a folder must hold draws of the same build, points, kernel and seed",
        received=f"{folder} with {received}",
        cause="a folder of another question, or a build or data that changed since",
        fix="give a new folder, or the arguments that this one was made with",
    )
