"""What do texts on the command line mean as values?

Numbers are turned into numbers where they are numbers and left as texts otherwise, so that the
library refuses them with its own message, the same from Python and from the shell.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from lazyscope._checks import InputError, check_finite

Number = int | float | str
_EXACT = 2.0**53


def read_number(text: str) -> Number:
    """The number that a text spells, or the text; too large a number for a float stays a text.

    Example:
        >>> read_number("64"), read_number("1e-4"), read_number("wide"), read_number("1e999")
        (64, 0.0001, 'wide', '1e999')
        >>> read_number("1e4"), read_number("2.0")  # whole, so that they count as well
        (10000, 2)
    """
    with suppress(ValueError):
        return int(text)
    with suppress(ValueError):
        number = float(text)
        if number.is_integer() and abs(number) < _EXACT:
            return int(number)
        return text if math.isinf(number) and "inf" not in text.lower() else number
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
