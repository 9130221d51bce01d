"""Which settings does a run have, and when are two runs the same run?"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, final

from lazyscope._checks import (
    OPTIMISERS,
    WITH_EPSILON,
    InputError,
    check_count,
    check_finite,
    check_fraction,
    check_positive,
)
from lazyscope._jax import LARGEST_SEED

Kind = Literal["count", "integer", "number", "positive", "fraction", "name", "flag", "numbers"]

Value = int | float | str | bool | tuple[float, ...]
"""What a setting holds."""

_OF_OPTIMISERS = ("step_size", "share", "epsilon", "weight_decay")
_UNREAD_BY_METHOD = {
    "flow": ("step", *_OF_OPTIMISERS),
    "descent": ("tolerance", *_OF_OPTIMISERS),
    **dict.fromkeys(OPTIMISERS, ("tolerance", "step", "epsilon")),
    **dict.fromkeys(WITH_EPSILON, ("tolerance", "step")),
}
_UNREAD_BY_DATA = {
    "four-points": ("num_points", "num_test", "input_dim", "data_seed", "target"),
    "sphere-teacher": ("target",),
}
_UNREAD_OF_FILES = ("input_dim",)

DEFAULT_TOLERANCE = 0.05
"""Of the flow, where a sweep does not say."""

DEFAULT_SHARE = 0.02
"""Of the gap by which outputs move in a step of an optimiser, where a sweep says no step either."""

NUM_RECORDS = 32
"""Steps kept of every loss curve, where a sweep does not say; a long step is shown by several points."""

FINE_RECORDS = 128
"""Steps kept of the loss curves of single runs and of studies that show them."""

LARGEST_COUNT = 2**31 - 1
"""Of units, points and steps: compiled programs count with 32 bits."""

_LATER = {
    "model": "dense",
    "num_records": NUM_RECORDS,
    "loss": "squared",
    "share": DEFAULT_SHARE,
}
"""Settings that are younger than some stores, with what all runs had before: left out of hashes."""

_LONG = 10**60

DIGITS = 12
"""Significant digits of a number in a setting: ranges of different length share their points."""


@final
@dataclass(frozen=True)
class Setting:
    """One setting of a run: its name, what it may hold, its default and what it means.

    Attributes:
        name: as written in sweep files.
        kind: what values it takes.
        default: taken where a sweep does not say; ``None`` means that the run goes without.
        meaning: one line for tables and for the attributes of stored coordinates.
        units: of the value, as stored with it.
    """

    name: str
    kind: Kind
    default: Value | None
    meaning: str
    units: str = "1"


_SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("model", "name", "dense", "architecture of the network"),
        Setting("width", "count", None, "units m of every hidden layer"),
        Setting("virtual_width", "positive", None, "width M that the network stands for, to 1e30"),
        Setting("depth", "count", 1, "number L of hidden layers"),
        Setting("activation", "name", "relu", "nonlinearity of the hidden layers"),
        Setting("use_bias", "flag", False, "whether layers have a bias, starting at zero"),
        Setting("output_scale", "positive", 1.0, "factor in front of the network"),
        Setting("centred", "flag", False, "whether the initial function is subtracted"),
        Setting("scheme", "name", None, "named scheme of scales and speeds"),
        Setting("gamma", "number", None, "minus the exponent of kappa / m (two layers): 1 - rho"),
        Setting("gamma_prime", "number", None, "difference a_1 - a_2 of the two scale exponents"),
        Setting("rho", "number", None, "exponent of kappa in width, reached by the output layer"),
        Setting("kappa", "positive", None, "initial scale itself, reached by the output layer"),
        Setting("spread", "name", None, "named way to spread kappa over the layers"),
        Setting("scale_exponents", "numbers", None, "exponents a_l of the layer scales"),
        Setting("speed_exponents", "numbers", None, "exponents of the layer speeds"),
        Setting("data", "name", "four-points", "data set by name, or a path"),
        Setting("num_points", "count", None, "number n of training points"),
        Setting("num_test", "integer", None, "number of test points, none unless given"),
        Setting("input_dim", "count", None, "number d of features of synthetic data"),
        Setting("data_seed", "integer", 0, "seed of the choice or the draw of the data"),
        Setting("target", "name", None, "how labels become targets"),
        Setting("method", "name", "flow", "how the network is trained"),
        Setting("loss", "name", "squared", "loss that is trained"),
        Setting("stop", "fraction", 1e-4, "loss to stop at, as a fraction of the initial loss"),
        Setting("tolerance", "positive", DEFAULT_TOLERANCE, "local error allowed by the flow"),
        Setting("step", "positive", None, "descent step, in units of the largest stable one"),
        Setting("step_size", "positive", None, "rate of an optimiser, times the layers' speeds"),
        Setting("share", "fraction", None, "share of the gap that an optimiser's step may close"),
        Setting("epsilon", "positive", None, "what Adam and Muon add to a norm, 1e-8 unless given"),
        Setting("weight_decay", "positive", None, "decoupled decay of an optimiser's weights"),
        Setting("max_steps", "count", 10_000, "steps after which a run is given up"),
        Setting(
            "num_records", "count", NUM_RECORDS, "steps kept of the loss curve, an even number"
        ),
        Setting("seed", "integer", 0, "seed of the initial weights"),
    )
}

_NUMBERED = {
    "scale_exponent": Setting(
        "scale_exponent", "number", None, "exponent a_l of this layer's scale"
    ),
    "speed_exponent": Setting("speed_exponent", "number", None, "exponent of this layer's speed"),
}
_NUMBERED_NAME = re.compile(r"(scale_exponent|speed_exponent)_([1-9][0-9]*)\Z")


def setting_names() -> tuple[str, ...]:
    """Names of all settings; per-layer exponents are written ``scale_exponent_1`` and so on."""
    return (*_SETTINGS, *(f"{stem}_1" for stem in _NUMBERED))


def setting(name: str) -> Setting:
    """The setting called `name`.

    Raises:
        InputError: no setting has this name; the nearest one is named.

    Example:
        >>> setting("width").meaning
        'units m of every hidden layer'
    """
    if name in _SETTINGS:
        return _SETTINGS[name]
    numbered = _NUMBERED_NAME.match(name)
    if numbered:
        return _NUMBERED[numbered[1]]
    raise unknown_key("setting", name, setting_names())


def layer_of(name: str) -> tuple[str, int] | None:
    """``("scale_exponent", 2)`` for the name ``scale_exponent_2``; ``None`` for other settings."""
    numbered = _NUMBERED_NAME.match(name)
    return (numbered[1], int(numbered[2])) if numbered else None


def unknown_key(what: str, name: str, known: tuple[str, ...]) -> InputError:
    """The refusal of a key that nothing reads, naming the nearest one that something does."""
    close = get_close_matches(name, known, n=1)
    return InputError(
        f"every {what} must be one of {', '.join(known)}",
        received=repr(name),
        cause="a misspelt key" if close else f"a {what} that lazyscope does not know",
        fix=f"use {close[0]!r}" if close else "remove it or choose one from the list",
    )


def canonical(name: str, value: Any) -> Value:
    """`value` as the one form that the setting `name` is stored, compared and hashed in.

    Numbers are rounded to `DIGITS` significant digits, so that 0.1 + 0.2 and 0.3 are one setting.

    Raises:
        InputError: the value does not fit the setting.

    Example:
        >>> canonical("gamma", 0.1 + 0.2), canonical("width", 64.0)
        (0.3, 64)
    """
    return _READERS[setting(name).kind](name, value)


def settings_hash(settings: Mapping[str, Value]) -> str:
    """Sixteen hexadecimal digits that depend on the settings and on nothing else.

    Settings that no run with these settings reads (the descent step of a flow) are left out, and so
    are absent ones, so that a sweep file may say or not say them, and younger ones where they are what
    every run had before them.

    Example:
        >>> settings_hash({"width": 8, "seed": 0}) == settings_hash({"seed": 0, "width": 8})
        True
    """
    unread = {
        *_UNREAD_BY_METHOD.get(str(settings.get("method")), ()),
        *_UNREAD_BY_DATA.get(str(settings.get("data")), _UNREAD_OF_FILES),
    }
    unread |= {name for name, before in _LATER.items() if settings.get(name) == before}
    read = {n: v for n, v in settings.items() if v is not None and n not in unread}
    text = json.dumps(read, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def default_settings() -> dict[str, Value]:
    """Settings of a run about which nothing is said."""
    return {name: entry.default for name, entry in _SETTINGS.items() if entry.default is not None}


def _read_count(name: str, value: Any) -> int:
    return _at_most(name, check_count(name, value), LARGEST_COUNT)


def _read_integer(name: str, value: Any) -> int:
    return _at_most(name, check_count(name, value, minimum=0), LARGEST_SEED)


def _at_most(name: str, count: int, largest: int) -> int:
    if count > largest:
        raise InputError(
            f"{name} must be at most {largest}",
            received=str(count) if count < _LONG else "a number of more than 60 digits",
            cause="a number of another quantity, or one in other units",
            fix="give a smaller number",
        )
    return count


def _read_number(name: str, value: Any) -> float:
    number = float(f"{_not_flag(name, value, check_finite):.{DIGITS}g}")
    return number + 0.0  # minus zero is zero


def _read_positive(name: str, value: Any) -> float:
    return float(f"{_not_flag(name, value, check_positive):.{DIGITS}g}")


def _read_fraction(name: str, value: Any) -> float:
    return float(f"{_not_flag(name, value, check_fraction):.{DIGITS}g}")


def _not_flag(name: str, value: Any, check: Any) -> float:
    return check(name, repr(value) if isinstance(value, bool) else value)


def _read_name(name: str, value: Any) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise InputError(
        f"{name} must be a name",
        received=repr(value),
        cause="a number or an empty text where a name belongs",
        fix="give a name between quotation marks",
    )


def _read_flag(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise InputError(
        f"{name} must be true or false",
        received=repr(value),
        cause="a number or a text where a yes or no belongs",
        fix="write true or false without quotation marks",
    )


def _read_numbers(name: str, value: Any) -> tuple[float, ...]:
    if isinstance(value, list | tuple) and value:
        return tuple(_read_number(f"every entry of {name}", entry) for entry in value)
    raise InputError(
        f"{name} must be a list of numbers, one per layer",
        received=repr(value),
        cause="a single number, or an empty list",
        fix="write for instance [0.5, 0.0] for one hidden layer",
    )


_READERS: dict[Kind, Any] = {
    "count": _read_count,
    "integer": _read_integer,
    "number": _read_number,
    "positive": _read_positive,
    "fraction": _read_fraction,
    "name": _read_name,
    "flag": _read_flag,
    "numbers": _read_numbers,
}
