"""How does bad input reach the shell? One message on stderr, exit code 2, no traceback."""

import sys
from typing import Any, final

import typer
from typer.core import TyperGroup

from lazyscope._checks import InputError
from lazyscope._outcome import INTERRUPTED
from lazyscope.cli.process._help import AbstractPlainSwitches
from lazyscope.cli.process._signals import stopped_by

BAD_INPUT = 2


class AbstractRefusingGroup(AbstractPlainSwitches, TyperGroup):
    """Commands whose refusals, their own and those of the option parser, are one message each."""

    def main(self, *args: Any, standalone_mode: bool = True, **kwargs: Any) -> Any:
        """Run a command; end the process as a shell expects."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **kwargs)
        try:
            code = super().main(*args, standalone_mode=False, **kwargs)
            if code == INTERRUPTED:  # the parser turns an interruption into this code
                if stopped_by():
                    raise KeyboardInterrupt
                _refuse("Stopped.")
        except InputError as error:
            code = _refuse(str(error))
        except typer.Abort:
            code = _refuse("Stopped.", code=INTERRUPTED)
        except Exception as error:
            if not hasattr(error, "format_message"):  # the parser's errors have one
                raise
            code = BAD_INPUT if _is_help(error) else _refuse(_reworded(error))
        sys.exit(code if isinstance(code, int) else 0)


def _refuse(message: str, *, code: int = BAD_INPUT) -> int:
    print(f"lazyscope: {message}", file=sys.stderr)  # noqa: T201
    return code


def _is_help(error: Exception) -> bool:
    """Whether the parser was given nothing at all and has shown the help already."""
    return type(error).__name__ == "NoArgsIsHelpError"


def _reworded(error: Any) -> str:
    """A message of the option parser with rule, received, cause and fix."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "lazyscope"
    said = " ".join(error.format_message().split()).rstrip(".")
    known = getattr(error, "possibilities", None)
    missing = type(error).__name__ == "MissingParameter"
    return str(
        InputError(
            f"the command line must follow `{path} --help`",
            received=said[:1].lower() + said[1:],
            cause="something was left out" if missing else "a misspelt word, or an extra one",
            fix=f"use {known[0]}" if known else f"see `{path} --help` for its options",
        )
    )


@final
class RefusingGroup(AbstractRefusingGroup):
    """The group of all commands."""
