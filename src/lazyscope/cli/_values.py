"""What do texts on the command line mean as values?

Numbers are turned into numbers where they are numbers and left as texts otherwise, so that the
library refuses them with its own message, the same from Python and from the shell.
"""

from collections.abc import Sequence
from typing import Any

from lazyscope._checks import InputError, check_finite

Number = int | float | str


def read_number(text: str) -> Number:
    """The number that a text spells, or the text.

    Example:
        >>> read_number("64"), read_number("1e-4"), read_number("wide")
        (64, 0.0001, 'wide')
    """
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def read_numbers(text: str) -> list[Number]:
    """Numbers between commas.

    Example:
        >>> read_numbers("0.5, 0,-1/2")
        [0.5, 0, '-1/2']
    """
    return [read_number(part.strip()) for part in text.split(",")]


def read_number_tuple(text: str) -> tuple[Any, ...]:
    """Numbers between commas, as settings of studies keep them.

    Example:
        >>> read_number_tuple("64, 128")
        (64, 128)
    """
    return tuple(read_numbers(text))


def read_names(text: str) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def read_parameters(texts: Sequence[str]) -> dict[str, float]:
    """Parameters of a scheme written as ``name=value``.

    Raises:
        InputError: no equals sign, a repeated name, or a value that is not a finite number.

    Example:
        >>> read_parameters(["gamma=0.5", "gamma-prime=0"])
        {'gamma': 0.5, 'gamma_prime': 0.0}
    """
    found: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name or name in found:
            raise InputError(
                "every scheme parameter must be given once, as name=value",
                received=repr(text),
                cause="a missing equals sign, or the same name twice",
                fix="write for instance --scheme-parameter gamma=0.5",
            )
        found[name] = check_finite(f"scheme parameter {name}", read_number(value.strip()))
    return found
