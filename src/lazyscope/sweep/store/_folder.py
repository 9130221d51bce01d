"""Which folder on the disk does a process hold, wherever its path leads meanwhile?

Files are found from the open folder and not from its path, which another folder may have taken.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, final

from lazyscope.sweep.store._error import StoreError, os_refusal, reading_refusal

UNFINISHED = ".part"
"""End of the names of files that are being written."""


@final
class Folder:
    """An open folder.

    Args:
        path: absolute path that it was opened by, for messages and `is_in_place`.
        handle: of the operating system.
    """

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self.handle = handle

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Self]:
        """The folder at `path`, open inside the block.

        Raises:
            OSError: it is not there, is no folder or may not be read.
        """
        handle = os.open(path, _FOLDER)
        try:
            yield cls(path, handle)
        finally:
            os.close(handle)

    @contextmanager
    def below(self, name: str, *, make: bool = False) -> Iterator["Folder"]:
        """The folder `name` in this one, open inside the block.

        Raises:
            StoreError: it is not there, is no folder, or may not be made or read.
        """
        try:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=self.handle)
            handle = os.open(name, _FOLDER, dir_fd=self.handle)
        except OSError as error:
            raise self._no_folder(error, name, make=make) from error
        try:
            yield Folder(self.path / name, handle)
        finally:
            os.close(handle)

    def names(self) -> list[str]:
        """Names of all entries, sorted."""
        return sorted(os.listdir(self.handle))

    def holds(self, name: str) -> bool:
        """Whether there is an entry of this name."""
        try:
            os.stat(name, dir_fd=self.handle, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """The bytes of the file `name`.

        Raises:
            StoreError: it is not there, may not be read, or is no file; nothing is waited for.
        """
        path = self.path / name
        try:
            handle = os.open(name, _READING, dir_fd=self.handle)
            with open(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise StoreError(
                        "a store consists of files",
                        received=f"{path}, which is a folder, a pipe or a device",
                        cause="something else that was put into the store",
                        fix="move it away",
                    )
                return file.read()
        except OSError as error:
            raise reading_refusal(error, path) from error

    def place(self, name: str, content: bytes) -> None:
        """Write the file `name`, which appears when all of it is on the disk. It is never replaced.

        Raises:
            StoreError: a full disk, a folder that cannot be written, or a file of this name; the
                folder is as before.
        """
        unfinished = name + UNFINISHED
        try:
            try:
                handle = os.open(unfinished, _WRITING, 0o666, dir_fd=self.handle)
            except FileExistsError as error:
                raise self._occupied(error, unfinished) from error
            try:
                with open(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(handle)
                self._name(unfinished, name)
            finally:
                self._remove(unfinished)
            self._sync()
        except FileExistsError as error:
            raise _written_already(self.path / name) from error
        except OSError as error:
            raise os_refusal(error, self.path / name) from error

    def clear_unfinished(self) -> None:
        """Remove what a killed process left half written."""
        for name in self.names():
            if name.endswith(UNFINISHED):
                self._remove(name)

    def is_in_place(self) -> bool:
        """Whether the path still leads to this folder."""
        try:
            found = os.stat(self.path)
        except OSError:
            return False
        return os.path.samestat(found, os.fstat(self.handle))

    def is_same(self, name: str, handle: int) -> bool:
        """Whether the entry `name` is, or leads to, the file or folder that is open as `handle`."""
        try:
            found = os.stat(name, dir_fd=self.handle)
        except OSError:
            return False
        return os.path.samestat(found, os.fstat(handle))

    def whereabouts(self) -> str:
        """Where the folder is now, as far as the system tells."""
        try:
            return os.readlink(f"/proc/self/fd/{self.handle}")
        except OSError:
            return "a place that the system does not tell"

    def _no_folder(self, error: OSError, name: str, *, make: bool) -> StoreError:
        path = self.path / name
        if make:
            return os_refusal(error, path)
        if error.errno != errno.ENOENT or os.path.islink(path):
            return reading_refusal(error, path)
        return StoreError(
            "a store must have all of its folders",
            received=f"{self.path}, without the folder {name}",
            cause="a folder that was moved or removed by hand, or a copy that left it out",
            fix="bring it back, or copy the store again",
        )

    def _occupied(self, error: OSError, unfinished: str) -> StoreError:
        """The refusal of a name under which something else is written, or that cannot be written."""
        path = self.path / unfinished
        try:
            found = os.stat(unfinished, dir_fd=self.handle, follow_symlinks=False)
        except OSError:
            return os_refusal(error, path)
        if stat.S_ISREG(found.st_mode):
            return _written_already(path)
        return StoreError(
            "a file of a store is written beside its place first",
            received=f"{path}, which is a folder, a pipe or a link",
            cause="something else that was put into the store under this name",
            fix="move it away; what is in the store is kept, and the same command goes on",
        )

    def _name(self, unfinished: str, name: str) -> None:
        """Give a complete file its name, unless the name is taken."""
        place = {"src_dir_fd": self.handle, "dst_dir_fd": self.handle}
        try:
            os.link(unfinished, name, follow_symlinks=False, **place)
        except OSError as error:
            if error.errno not in _WITHOUT_LINKS:
                raise
            if self.holds(name):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            os.rename(unfinished, name, **place)

    def _remove(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self.handle)
        except OSError:
            return

    def _sync(self) -> None:
        try:
            os.fsync(self.handle)
        except OSError as error:
            if error.errno != errno.EINVAL:  # file systems that cannot do this to a folder
                raise


def _written_already(path: Path) -> StoreError:
    return StoreError(
        "a file of a store is written once",
        received=f"{path}, which is there already",
        cause="another process that writes to the same store, or a file copied into it",
        fix="let one process write; what is in the store is kept, and the same command goes on",
    )


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READING = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_WRITING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_WITHOUT_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
