"""Which are the oldest versions that pyproject.toml promises to work with?

``python tools/oldest.py`` prints one ``name==version`` for every lower bound of the library and of the
extras named as arguments, for ``pip install --requirement``.
"""

import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def oldest(requirements: Iterable[str]) -> list[str]:
    """Each requirement at its lower bound; one that is pinned stays as it is."""
    return [line.replace(">=", "==") for line in requirements]


def main(extras: list[str]) -> None:
    """Print the oldest versions of the library's dependencies and of these extras."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(line for extra in extras for line in optional[extra])]
    sys.stdout.write("\n".join(sorted(set(oldest(wanted)))) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
