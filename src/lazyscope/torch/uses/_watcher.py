"""How is every function of PyTorch that a forward pass calls seen, inside modules or not?"""

import abc
import types
from collections.abc import Container
from typing import Any

from torch._C._functorch import peek_interpreter_stack  # pyright: ignore[reportMissingModuleSource]
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class AbstractWatcher(TorchFunctionMode, abc.ABC):
    """Shown every call while it is entered. Functions of ``torch.nn.functional`` that are written in
    Python and not known to it are looked into, so that their inner calls are seen instead. What is called
    within `torch.func` (vmap, grad, jvp) is not shown.
    """

    def __init__(self, known: Container[Any]) -> None:
        super().__init__()
        self._known = known

    def __torch_function__(self, func: Any, types_: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if peek_interpreter_stack() is not None:
            return func(*args, **kwargs)  # within torch.func tensors are not those of the pass
        inner = isinstance(func, types.FunctionType) and func.__globals__ is vars(functional)
        if inner and func not in self._known:
            with self:
                return _opened(func)(*args, **kwargs)
        return self.watch(func, args, kwargs)

    @abc.abstractmethod
    def watch(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Call the function and return what it returns."""


def _opened(func: types.FunctionType) -> types.FunctionType:
    """A function of torch.nn.functional that shows what it calls, instead of standing for it."""
    names = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
    scope = func.__globals__ | dict.fromkeys(names, _never)
    opened = types.FunctionType(
        func.__code__, scope, func.__name__, func.__defaults__, func.__closure__
    )
    opened.__kwdefaults__ = func.__kwdefaults__
    return opened


def _never(*_: Any) -> bool:
    return False
