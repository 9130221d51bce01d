"""Does what a function takes and returns agree with its annotations, shapes included?

`install` puts a check around every function and method of a package as it is imported. The check comes after
the call: what a function refuses is its own affair, what it accepts and returns must be as annotated.
Only modules that are imported later are checked, and nothing in processes that tests start.
"""

import ast
import functools
import importlib.abc
import importlib.machinery
import inspect
import itertools
import random
import sys
import threading
import types
import typing
from collections.abc import Callable, Collection
from typing import Any

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
from beartype import BeartypeConf
from beartype.door import is_bearable
from beartype.roar import BeartypeException

_TOWER = BeartypeConf(is_pep484_tower=True)  # a whole number is a real number
_DECORATOR = "__agreed__"
_LOCK = threading.RLock()
_LATE = {"np": np, "Layers": jaxtyping.Float[np.ndarray, " layers"]}
"""Names in annotations of modules that load NumPy and jaxtyping when they need them."""
_UNSEEN = ("__getattr__", "_by_old_name")
"""Functions that warn whoever called them, and count the calls above them for that."""


_MOST_KNOWN, _LONG, _MANY = 1000, 100, 16


class AnnotationError(Exception):
    """A value that a function accepted or returned is not what its annotation says."""


def install(package: str, *, apart: tuple[str, ...]) -> None:
    """Check the functions of `package` from its next import on, but for those of its parts `apart`."""
    if package in sys.modules:
        raise RuntimeError(f"{package} was imported before its annotations could be checked")
    sys.meta_path.insert(0, _Finder(package, apart))


def agreed(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, whose arguments and result are compared with its annotations after each call."""
    error = function.__qualname__.endswith(("Error.__init__", "Warning.__init__"))  # hold any text
    if error or function.__name__ in _UNSEEN or inspect.isgeneratorfunction(function):
        return function
    hints = functools.cache(lambda: _hints(function))
    parameters = inspect.signature(function).parameters.values()
    # what stands behind *several comes by name alone
    positional = itertools.takewhile(lambda p: p.kind != p.VAR_POSITIONAL, parameters)
    names = [parameter.name for parameter in positional]
    known: set[tuple[Any, ...]] = set()

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        found = hints()
        if found:
            values = {**dict(zip(names, args, strict=False)), **kwargs, "return": result}
            seen = tuple([_seen(values[name]) for name in found if name in values])
            if seen in known:
                return result
            with _LOCK:  # one entry of a list is looked at, and which one is drawn
                drawn = random.getstate()
                try:
                    _compare(function, found, values)
                finally:
                    random.setstate(drawn)
            if None not in seen and len(known) < _MOST_KNOWN:
                known.add(seen)
        return result

    return call


def _seen(value: Any) -> Any:
    """All of a value that an annotation can see, None of one that holds too many others to look at.

    What agreed once, in all that can be seen of every value of a call, agrees always.
    """
    kind = type(value)
    if kind in (int, bool, type(None), types.FunctionType):
        return kind
    if isinstance(value, float):
        return kind, value.is_integer()
    if kind is str:
        return value if len(value) < _LONG else None
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        return kind, value.shape, value.dtype
    if kind in (tuple, list):
        parts = tuple(map(_seen, value)) if len(value) < _MANY else (None,)
        return None if None in parts else (kind, parts)
    own = kind.__module__.startswith("lazyscope.")
    return kind if own and not isinstance(value, Collection) else None


def _compare(function: Callable[..., Any], hints: dict[str, Any], values: dict[str, Any]) -> None:
    with jaxtyping.jaxtyped("context"):
        for name, hint in hints.items():
            if name in values and not _agrees(values[name], hint):
                value = values[name]
                raise AnnotationError(
                    f"{function.__module__}.{function.__qualname__}: {name} is annotated {hint}, "
                    f"was {type(value).__name__} {getattr(value, 'shape', '')} "
                    f"{getattr(value, 'dtype', '')} {str(value)[:80]}"
                )


def _agrees(value: Any, hint: Any) -> bool:
    """Whether the annotation holds, where numbers, lists and arrays of any library are one thing, as they
    are for all of ours. Functions that count take 3.0 for 3.
    """
    if value is NotImplemented or (hint is int and isinstance(value, float) and value.is_integer()):
        return True
    if _bears(value, hint):
        return True
    if not isinstance(value, list | tuple | float | int) and not hasattr(value, "__array__"):
        return False
    try:
        array = np.asarray(value)
    except Exception:  # rows of different lengths, tracers, tensors that ask for gradients
        return False
    if array.dtype.kind not in "biuf":
        return False
    forms = [array] if array.dtype.kind == "f" else [array, array.astype(float)]
    with jax.enable_x64(True), jax.ensure_compile_time_eval(), jax.transfer_guard("allow"):
        return any(_bears(each, hint) or _bears(jnp.asarray(each), hint) for each in forms)


def _bears(value: Any, hint: Any) -> bool:
    try:
        return is_bearable(value, hint, conf=_TOWER)
    except BeartypeException:  # an annotation that can only be read
        return True


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """What the annotations say of arguments by their own names, and of the result."""
    try:
        hints = typing.get_type_hints(function, localns=_LATE)
    except NameError:  # names that are there for type checkers alone
        return {}
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    kinds = inspect.signature(function).parameters
    return {
        name: hint
        for name, hint in hints.items()
        if hint is not Any and (name == "return" or kinds[name].kind not in several)
    }


class _Transformer(ast.NodeTransformer):
    """Puts the decorator next to every function of a module or class; those inside functions stay."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        decorator = ast.Name(_DECORATOR, ast.Load())
        node.decorator_list.append(ast.copy_location(decorator, node))
        return node


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> Any:
        """The module with its decorators; never from or to a cache of compiled files."""
        path = self.get_filename(fullname)
        tree = _Transformer().visit(ast.parse(self.get_data(path), path))
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)

    def exec_module(self, module: Any) -> None:
        module.__dict__[_DECORATOR] = agreed
        super().exec_module(module)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, package: str, apart: tuple[str, ...]) -> None:
        self.package, self.apart = package, apart

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        ours = f"{name}.".startswith(f"{self.package}.")
        if not ours or any(f"{name}.".startswith(f"{part}.") for part in self.apart):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec
