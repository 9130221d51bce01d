"""Which studies are there?"""

from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import lazyscope.study
from lazyscope._checks import check_choice
from lazyscope.study._protocol import AbstractStudy


@cache
def studies() -> dict[str, AbstractStudy[Any]]:
    """Every study by its name: those in the module ``_registered`` of a folder here."""
    kinds = [
        value
        for registered in sorted(Path(lazyscope.study.__path__[0]).glob("*/_registered.py"))
        for value in vars(_module(registered.parent.name)).values()
        if isinstance(value, type)
        and issubclass(value, AbstractStudy)
        and value is not AbstractStudy
    ]
    return {kind.name: kind() for kind in sorted(kinds, key=lambda kind: kind.name)}


def study_names() -> tuple[str, ...]:
    """Names of all studies."""
    return tuple(studies())


def find_study(name: str) -> AbstractStudy[Any]:
    """The study of this name.

    Raises:
        InputError: no study is called so; the nearest name is given.

    Example:
        >>> find_study("two-layer").name
        'two-layer'
    """
    check_choice("study", name, studies())
    return studies()[name]


def _module(folder: str) -> ModuleType:
    return import_module(f"lazyscope.study.{folder}._registered")
