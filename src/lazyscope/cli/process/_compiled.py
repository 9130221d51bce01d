"""Where are compiled programs kept from one command to the next?

Compiling takes most of the time of a short command, tracing and lowering half of the rest. XLA keeps what it
compiled in a folder of the user, and runs leave their whole programs in another, which the next command
need not trace; a folder for every kind of processor, since programs of one need not run on another. It is
a matter of the command alone: a Python process says for itself what JAX keeps.
"""

import hashlib
import os
import platform
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

FOLDER = "JAX_COMPILATION_CACHE_DIR"
EXECUTABLES = "LAZYSCOPE_EXECUTABLES"
"""Read by `lazyscope._jax`, which this module does not import, as JAX would come with it."""

_EVERY = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
_MOST_BYTES = 5 * 10**8


def keep_compiled(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have JAX, which reads its environment when it is imported, keep programs; a folder of one's own stands.

    Executables are run as they are found: their folder is for this user's eyes and hands only. Where no
    folder can be written, nothing is kept and nothing is said.
    """
    if FOLDER in environment:
        return
    with suppress(OSError, RuntimeError):  # no room, no permission, no home
        ours, processor = _user_folder(environment) / "lazyscope", _processor()
        for name, kept in ((FOLDER, "compiled"), (EXECUTABLES, "executables")):
            folder = ours / kept / processor
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                _shed(folder)
                environment.setdefault(name, str(folder))
        environment.update({k: v for k, v in _EVERY.items() if k not in environment})


def compile_anew(environment: MutableMapping[str, str] = os.environ) -> None:
    """Keep nothing and use nothing that was kept; before JAX is imported."""
    for name in (FOLDER, EXECUTABLES, *_EVERY):
        environment.pop(name, None)


def _user_folder(environment: MutableMapping[str, str]) -> Path:
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _processor() -> str:
    """A name for the kind of processor: its architecture, and a digest of what it can do."""
    known = ""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        known = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    known = known or platform.processor()  # which may start a process of its own to find out
    return f"{platform.machine()}-{hashlib.sha256(known.encode()).hexdigest()[:12]}"


def _shed(folder: Path) -> None:
    """Once there are too many, drop the older half."""
    held = sorted((e.stat().st_mtime, e.stat().st_size, e.path) for e in os.scandir(folder))
    size = sum(bytes_held for _, bytes_held, _ in held)
    if size > _MOST_BYTES:
        for _, bytes_held, path in held:
            if size <= _MOST_BYTES // 2:
                break
            os.unlink(path)
            size -= bytes_held
