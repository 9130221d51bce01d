"""How is a file read without waiting or overflowing, and written whole or not at all?

Paths are checked here as well: what spells a URL is no path, and ``~`` is the home folder. Devices and
pipes can wait for ever or never end, so only regular files are read.
"""

import errno
import io
import json
import math
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from lazyscope._checks import InputError
from lazyscope._memory import memory_at_hand

UNFINISHED: set[Path] = set()
"""Files and folders that go away if the process has to end now."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def local_path(name: str, path: str | os.PathLike[str]) -> Path:
    """The path of a file or folder of this machine, with ``~`` expanded.

    Raises:
        InputError: no path, a URL, an unknown user after ``~``, or a relative path where the current
            folder was deleted.

    Example:
        >>> local_path("a page", "page.html")
        PosixPath('page.html')
    """
    text = _as_text(name, path)
    if _URL.match(text):
        raise InputError(
            f"{name} must be a path on this machine",
            received=repr(text),
            cause="a URL, which lazyscope neither reads nor writes",
            fix="download or mount it first and give the local path",
        )
    found = Path(text)
    if text.startswith("~"):
        try:
            found = found.expanduser()
        except RuntimeError as error:
            raise InputError(
                f"{name} must be a path on this machine",
                received=repr(text),
                cause="a user after ~ that this machine does not know, or no home folder",
                fix="write the path in full, or ./~ for a file of that name",
            ) from error
    if not found.is_absolute():
        _check_current_folder(name, text)
    return found


def _as_text(name: str, path: Any) -> str:
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise InputError(
            f"{name} must be the path of a file or folder",
            received=type(path).__name__ if text is None else repr(text),
            cause="an empty setting" if text == "" else "a value that is no path",
            fix="give a path as text or as pathlib.Path",
        )
    return text


def _check_current_folder(name: str, text: str) -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise InputError(
            f"{name} must lie in a folder that exists",
            received=repr(text),
            cause="the current folder was deleted",
            fix="change to another folder, or give an absolute path",
        ) from error


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file for reading, without ever waiting for a pipe or a device.

    Raises:
        OSError: it cannot be opened, or is no regular file; the reason is in ``strerror``.
    """
    _check_regular(path, os.stat(path))
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _check_regular(path, os.fstat(handle))  # it may have been replaced meanwhile
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _check_regular(path: Path, found: os.stat_result) -> None:
    for is_kind, words in _KINDS:
        if is_kind(found.st_mode):
            number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
            raise OSError(number, f"{words}, not a regular file", str(path))


def read_whole(path: Path, *, copies: int = 2) -> bytes:
    """The content of a regular file whose `copies` fit into memory.

    Raises:
        OSError: it cannot be read, or is too large; the reason is in ``strerror``.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        room = memory_at_hand()
        if copies * size > room:
            words = f"{size / 2**30:.3g} GiB, with {room / 2**30:.3g} GiB of memory at hand"
            raise OSError(errno.EFBIG, words, str(path))
        return file.read()


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        OSError: it cannot be read; the reason is in ``strerror``.
        ValueError: it is no JSON, nested too deeply, or holds a number that is not finite.
    """
    content = read_whole(path, copies=8)
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_no_number, parse_float=_number)
    except RecursionError as error:
        raise ValueError("brackets nested too deeply") from error


def _no_number(text: str) -> Any:
    raise ValueError(f"{text}, which is no number in JSON")


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]}, which is too large for a float")
    return number


def reason(error: BaseException) -> str:
    """What an error says, without its number and path.

    Example:
        >>> reason(FileNotFoundError(2, "No such file or directory", "x"))
        'No such file or directory'
    """
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def write_text_whole(rule: str, text: str, path: str | os.PathLike[str]) -> Path:
    """Write a text file whole or not at all.

    Characters that UTF-8 does not have, such as bytes of a path that are no text, are written as escapes.

    Raises:
        InputError: with `rule`, for a path that cannot be written; what was there is left as it was.
    """
    target = local_path("an output", path)
    try:
        write_bytes_whole(text.encode("utf-8", "backslashreplace"), target)
    except OSError as error:
        raise unwritable(rule, target, error) from error
    return target


def unwritable(rule: str, path: Path, error: OSError) -> InputError:
    """The refusal that says why nothing can be written at `path`."""
    cause, fix = _WRITING.get(error.errno or 0, ("a file system that refuses it", _ELSEWHERE))
    return InputError(rule, received=f"{path} ({reason(error)})", cause=cause, fix=fix)


def unreadable(rule: str, path: Path, error: Exception, *, fix: str) -> InputError:
    """The refusal that says why `path` cannot be read; `fix` is for a file that was damaged."""
    damage = ("bytes that are no text" if isinstance(error, UnicodeDecodeError) else _DAMAGE, fix)
    number = error.errno if isinstance(error, OSError) else None
    cause, fix = damage if number is None else _READING.get(number, _DISK)
    return InputError(rule, received=f"{path} ({reason(error)})", cause=cause, fix=fix)


_ELSEWHERE = "give another path"
_DAMAGE = "another kind of file, or one that was cut off or edited"
_DISK = ("a disk or network that does not answer", "copy the file to another disk")
_FULL = ("a full disk or an exceeded quota", "make room, or give another path")
_CLOSED = ("a folder or file that this user may not write", "change its permissions, or the path")
_LONG = ("a name longer than the file system allows", "give a shorter path")
_LOOP = ("links that lead back to themselves", "remove the link, or give another path")
_FOLDER = ("the path of an existing folder", "give the name of a file in it")
_ABSENT = (
    "a misspelt path, or another current folder",
    "check the spelling, or give the full path",
)
_NOT_BELOW = ("a file where a folder belongs", _ELSEWHERE)
_WRITING = {
    errno.ENOENT: ("a folder that does not exist", "create the folder, or give another path"),
    errno.ENOTDIR: _NOT_BELOW,
    errno.EEXIST: _NOT_BELOW,
    errno.EISDIR: _FOLDER,
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
    errno.EROFS: ("a file system that is mounted read-only", _ELSEWHERE),
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: ("a limit on the size of files", "raise the limit, see ulimit -f"),
    errno.ENAMETOOLONG: _LONG,
    errno.ELOOP: _LOOP,
    errno.EINVAL: ("a pipe or device where a file belongs", _ELSEWHERE),
}
_READING = {
    errno.ENOENT: _ABSENT,
    errno.ENOTDIR: _ABSENT,
    errno.EISDIR: ("a folder where a file belongs", "give the path of a file in it"),
    errno.EACCES: ("a file or folder that this user may not read", "change its permissions"),
    errno.EPERM: ("a file or folder that this user may not read", "change its permissions"),
    errno.EFBIG: ("a file larger than memory", "use a smaller file, or a machine with more memory"),
    errno.EINVAL: ("a pipe or device, which may never end", "save its content to a file first"),
    errno.ENAMETOOLONG: _LONG,
    errno.ELOOP: _LOOP,
}


def write_bytes_whole(content: bytes, path: Path) -> Path:
    """Write a file in one step: beside its place first, on the disk, then renamed into it.

    A link stays a link, and what it leads to is replaced. An existing file keeps its permissions.

    Raises:
        OSError: it cannot be written; what was there before is left as it was.
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    mode = _mode_of(target)
    part = target.parent / f".lazyscope-{os.getpid()}-{os.urandom(6).hex()}.part"
    UNFINISHED.add(part)
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            part.chmod(mode)
        part.replace(target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    finally:
        UNFINISHED.discard(part)
    _sync_folder(target.parent)
    return path


def _mode_of(target: Path) -> int | None:
    """Permissions of what is there, None where nothing is; only regular files are replaced."""
    try:
        found = os.stat(target)
    except FileNotFoundError:
        return None
    _check_regular(target, found)
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "the file that is there is not writable", str(target))
    return stat.S_IMODE(found.st_mode)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
