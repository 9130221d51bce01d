"""Which commands are there, and what does the shell get to see of them?"""

from typing import Annotated

import typer

from lazyscope._described import described
from lazyscope.cli._exit_codes import WORDS
from lazyscope.cli.commands._check import check_command
from lazyscope.cli.commands._explore import explore_command
from lazyscope.cli.commands._exponents import exponents_command
from lazyscope.cli.commands._forecast import forecast_command
from lazyscope.cli.commands._lists import (
    activations_command,
    networks_command,
    schemes_command,
    studies_command,
)
from lazyscope.cli.commands._proxy import proxy_command
from lazyscope.cli.commands._regime import regime_command
from lazyscope.cli.commands._report import report_command
from lazyscope.cli.commands._sweep import sweep_command
from lazyscope.cli.commands._train import train_command
from lazyscope.cli.commands._validate import validate_command
from lazyscope.cli.process._compiled import compile_anew
from lazyscope.cli.process._help import Command
from lazyscope.cli.process._refusal import RefusingGroup
from lazyscope.cli.study._group import StudyGroup

app = typer.Typer(
    name="lazyscope",
    cls=RefusingGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
study_app = typer.Typer(
    cls=StudyGroup,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help=f"Run a whole study.\n\n{WORDS}\n\nExample: `lazyscope study kappa --output kappa`",
)

for _name, _command in {
    "regime": regime_command,
    "forecast": forecast_command,
    "train": train_command,
    "check": check_command,
    "proxy": proxy_command,
    "sweep": sweep_command,
    "exponents": exponents_command,
    "report": report_command,
    "explore": explore_command,
    "validate": validate_command,
    "schemes": schemes_command,
    "networks": networks_command,
    "activations": activations_command,
    "studies": studies_command,
}.items():
    app.command(_name, cls=Command, help=described(_command))(_command)
app.add_typer(study_app, name="study")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"lazyscope {version('lazyscope')}")
        raise typer.Exit


def _compile_anew(asked: bool) -> None:
    if asked:
        compile_anew()


def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
    _anew: Annotated[
        bool,
        typer.Option(
            "--compile-anew",
            callback=_compile_anew,
            help="Neither use nor keep compiled programs of other commands.",
        ),
    ] = False,
) -> None:
    """Will this network train lazily, and did it?

    **regime** reads a parametrisation, **forecast** looks at the initial network on data, **train**
    trains it and measures what happened, **check** and **proxy** look at networks of your own,
    **study kappa** does the main experiment and writes a page,
    **study two-layer** and **study three-layer** map a plane of schemes, **study output-scale** and
    **study condensation** look at crossover and orientations,
    **sweep** does many runs and keeps them, **exponents** and **report** read what was kept,
    **explore** writes a page to choose schemes on,
    **validate** checks the theory claim by claim, and **schemes**, **networks**, **activations** and
    **studies** list what has a name. `lazyscope --install-completion` lets the shell complete all of it.

    Example: `lazyscope regime --scheme mup --depth 2 --width 1024`
    """


app.callback(help=described(_root))(_root)
