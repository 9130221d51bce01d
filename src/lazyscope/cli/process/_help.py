"""What does the help of a command show beside its switches? Nothing: they take no value."""

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
        return found


@final
class Command(AbstractPlainSwitches, TyperCommand):
    """A command."""
