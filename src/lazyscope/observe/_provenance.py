"""Which versions made a record, and when?"""

import time
from importlib.metadata import PackageNotFoundError, version


def provenance(*libraries: str) -> dict[str, str]:
    """Versions of lazyscope, NumPy and the named libraries, and the time by the machine's clock."""
    packages = ("lazyscope", "numpy", *libraries)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {name: _version(name) for name in packages} | {"started_at": stamp}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
