"""Which options do the fields of a dataclass of settings make?"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer

from lazyscope._described import field_words
from lazyscope.cli._values import read_names, read_number, read_number_tuple

NO_NAMES: Mapping[str, Any] = MappingProxyType({})
ALSO = {"num_points": ("--n", "-n")}
"""Further names of options that are the same in every command."""
_METAVARS = {
    "data": "NAME|PATH",
    "depth": "L",
    "kappas": "K,..",
    "kept": "SHARE",
    "stop": "FRACTION",
    "early_stop": "FRACTION",
    "target": "KIND",
    "tolerance": "TOL",
    "tolerated": "SHARE",
    "widths": "M,..",
    "threshold_widths": "M,..",
    "build": "MODULE:BUILD",
}
"""What stands for a value in the help where its type says too little."""
_BY_KIND: dict[Any, tuple[Callable[[str], Any], str]] = {
    int: (read_number, "N"),
    float: (read_number, "A"),
    str: (str, "NAME"),
    tuple[int, ...]: (read_number_tuple, "N,.."),
    tuple[float, ...]: (read_number_tuple, "A,.."),
    tuple[str, ...]: (read_names, "NAME,.."),
    tuple[tuple[int, ...], ...]: (
        lambda text: tuple(read_number_tuple(part) for part in text.split(";")),
        "M,..;M,..",
    ),
}


def option_parameters(
    settings: type,
    also: Mapping[str, tuple[str, ...]] = NO_NAMES,
    earlier: Mapping[str, str] = NO_NAMES,
) -> Iterator[inspect.Parameter]:
    """Parameters of a command, one for every field: fields without a default are its arguments.

    Args:
        settings: a dataclass whose section ``Attributes`` says what every field is.
        also: further names of options, by field.
        earlier: names of options that are not shown, by the field that they give.
    """
    words, hints = field_words(settings), get_type_hints(settings)
    for field in fields(settings):
        flag = "--" + field.name.replace("_", "-")
        names = (*ALSO.get(field.name, ()), *also.get(field.name, ()), flag)
        kind = _kind(hints[field.name])[1]
        metavar = kind if ";" in kind else _METAVARS.get(field.name, kind)
        told = _first_words(words[field.name]) + _shown(field)
        if hints[field.name] is bool:
            option = typer.Option(f"{flag}/--no-{flag[2:]}", help=told, show_default=False)
            yield _parameter(field.name, bool | None, option)
        elif _default(field) is MISSING:
            yield _argument(field.name, typer.Argument(metavar=metavar, help=told))
        else:
            option = typer.Option(*names, metavar=metavar, help=told, show_default=False)
            yield _parameter(field.name, str | None, option)
    for old, name in earlier.items():
        option = typer.Option(f"--{old}", metavar=_METAVARS.get(name, "NAME,.."), hidden=True)
        yield _parameter(old, str | None, option)


def read_options(
    settings: type, given: Mapping[str, Any], earlier: Mapping[str, str] = NO_NAMES
) -> dict[str, Any]:
    """Values of those fields that were given as texts, ready for the settings."""
    hints = get_type_hints(settings)
    named = {earlier.get(name, name): text for name, text in given.items() if text is not None}
    return {
        name: text if isinstance(text, bool) else _kind(hints[name])[0](text)
        for name, text in named.items()
        if name in hints
    }


def made_command(
    run: Callable[[Mapping[str, Any]], None], parameters: Sequence[inspect.Parameter]
) -> Callable[..., None]:
    """A function with these parameters, as Typer reads them; `run` gets their values by name."""

    def command(**given: Any) -> None:
        run(given)

    command.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def _kind(hint: Any) -> tuple[Callable[[str], Any], str]:
    """Reader and metavar of a type; that of the other part where it may be None."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    return _BY_KIND.get(hint, (str, "NAME"))


def _default(field: "Field[Any]") -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _shown(field: "Field[Any]") -> str:
    """A default as one would type it; nothing where there is none to type."""
    value = _default(field)
    return "" if value in (None, MISSING, ()) else f" Default: {_typed(value)}."


def _typed(value: Any) -> str:
    if isinstance(value, tuple):
        return ("; " if value and isinstance(value[0], tuple) else ", ").join(map(_typed, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _first_words(text: str) -> str:
    """What is said up to the first semicolon or full stop, as a sentence."""
    clause = text.split(";")[0].split(". ")[0].rstrip(".").replace("`", "")
    return f"{clause[:1].upper()}{clause[1:]}."


def _parameter(name: str, kind: Any, option: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option]
    )


def _argument(name: str, argument: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[str, argument]
    )
