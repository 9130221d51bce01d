"""Which object of a user's module builds the networks?"""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from lazyscope._checks import InputError


def find_build(text: str, like: str = "build(width, seed)") -> Any:
    """The object that ``module:name`` or ``path.py:name`` names, a function `like` that.

    Raises:
        InputError: no colon, no such module, an error while importing it, or no such name.
    """
    module_name, name = module_and_name(text)
    try:
        module = _import(module_name)
    except Exception as error:
        raise InputError(
            "the module of the network must be importable",
            received=f"{module_name}: {type(error).__name__}: {error}",
            cause="a misspelt name, another folder, or an error in the module",
            fix="run the command in the folder of the module, or give the path of its file",
        ) from error
    try:
        return getattr(module, name)
    except AttributeError as error:
        offered = [key for key, value in vars(module).items() if callable(value) and key[0] != "_"]
        raise InputError(
            f"the module must have the function {name}",
            received=f"{module_name} with {', '.join(offered[:8]) or 'no functions'}",
            cause="a misspelt name",
            fix=f"name a function {like} of the module",
        ) from error


def module_and_name(text: str) -> tuple[str, str]:
    """Both parts of ``module:name``.

    Raises:
        InputError: one of them is missing.
    """
    module, colon, name = text.rpartition(":")
    if not colon or not module or not name:
        raise InputError(
            "the network must be given as MODULE:BUILD",
            received=repr(text),
            cause="the name of the function is missing",
            fix="write for instance my_model:build",
        )
    return module, name


def _import(name: str) -> Any:
    if not name.endswith(".py"):
        if "" not in sys.path:
            sys.path.insert(0, "")
        return importlib.import_module(name)
    path = Path(name)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"no file {name}")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module
