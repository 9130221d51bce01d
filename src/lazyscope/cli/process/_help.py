"""How do our commands differ from those of Typer? Switches show no type, texts stay, examples run."""

import re
import textwrap
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

    def __init__(self, *args: Any, **given: Any) -> None:
        given["help"] = with_examples(given.get("help") or "")
        super().__init__(*args, **given)


_LINE = 66
"""Characters of an example in a line of a terminal of 80, behind its first word and before a backslash."""


def with_examples(text: str) -> str:
    r"""The text with its long examples broken as a shell takes them: what is printed runs as it is printed.

    Example:
        >>> words = "lazyscope train --data digits --n 64 --scheme ntk --depth 2 --width 64"
        >>> print(with_examples(f"Example: `{words}`"))
        Example: `lazyscope train --data digits --n 64 --scheme ntk --depth 2 \`\
        `--width 64`
    """
    return re.sub(r"(?<=^Example: )`([^`]*)`", _broken, text, flags=re.MULTILINE)


def _broken(found: re.Match[str]) -> str:
    words = re.sub(
        r" (?=[^-\s])", "\0", " ".join(found[1].split())
    )  # a value stays with its option
    lines = textwrap.wrap(words, _LINE, break_long_words=False, break_on_hyphens=False)
    return "\\\n".join(
        f"`{line} \\`" if line is not lines[-1] else f"`{line}`" for line in lines
    ).replace("\0", " ")


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
