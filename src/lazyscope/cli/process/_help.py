"""How do our commands differ from those of Typer? Switches show no type, and texts stay as they are."""

from typing import Any, final

from typer.core import TyperCommand


class AbstractPlainSwitches:
    """A command or group whose switches, ``--help`` included, stand without a type."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Arguments and options; later versions of Typer would call a switch ``<bool>``."""
        found: list[Any] = super().get_params(ctx)  # pyright: ignore[reportAttributeAccessIssue]
        for one in found:
            if getattr(one, "is_flag", False):
                one.metavar = ""
            if getattr(one, "_runtime_param", one) is None:
                one._runtime_param = _AsGiven()
        return found


@final
class Command(AbstractPlainSwitches, TyperCommand):
    """A command."""


@final
class _AsGiven:
    """How an option reads its value: a text as it is, and nothing as nothing.

    Later versions of Typer have pydantic do this, whose import takes as long as the rest of a short command;
    they are asked where a value has to become something else.
    """

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value of an option of Typer."""
        several, kind = param.multiple or param.nargs == -1, param.type_descriptor.annotation
        if value is None:
            return () if several else None
        if not several and kind is str and isinstance(value, str):
            return value
        if several and kind == list[str] and isinstance(value, list | tuple):
            return list(value)
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)
