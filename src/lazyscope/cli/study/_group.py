"""Which commands has `lazyscope study`, without an import of what they run?"""

from typing import TYPE_CHECKING, Any, final

import typer
from typer.main import get_command

from lazyscope.cli.process._help import Command
from lazyscope.cli.process._refusal import AbstractRefusingGroup
from lazyscope.cli.study._command import study_command, study_help

if TYPE_CHECKING:
    from lazyscope.study import AbstractStudy


@final
class StudyGroup(AbstractRefusingGroup):
    """Commands made from the registry of studies; options of a command are made when it is called for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the studies."""
        from lazyscope.study import study_names

        return list(study_names())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command that can say what it is."""
        return _command(cmd_name, _silent)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called for, with its options.

        Raises:
            InputError: no study is called so; the nearest name is given.
        """
        from lazyscope.study import find_study, study_names

        if ctx.resilient_parsing and args[0] not in study_names():
            return (
                None,
                None,
                [],
            )  # a shell asks what could follow; there is nothing, and nothing to say
        name = find_study(args[0]).name
        return name, full_command(name), args[1:]


def full_command(name: str) -> Any:
    """The command of a study with its options."""
    return _command(name, study_command)


def _command(name: str, function: Any) -> Any:
    from lazyscope.study import find_study

    study = find_study(name)
    app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    app.command(name, cls=Command, help=study_help(study))(function(study))
    return get_command(app)


def _silent(study: "AbstractStudy[Any]") -> Any:
    """A function without options in place of the command, of which only the help is read."""
    return lambda: study.name
