"""Is input that is none refused by every public function, whatever the argument?

One valid call of every public function and class stands in `valid_calls`; one argument at a time is
replaced by values of the kind that its annotation says, made bad. A seeded sample runs by default; all of
it with the environment variable LAZYSCOPE_INPUTS=all.
"""

import importlib
import inspect
import os
import random
import typing
import warnings

import pytest

from contract.bad_values import bad_values, hints_of
from contract.valid_calls import HEAVY, NOT_CALLED, calls
from lazyscope._checks import InputError

ROOMS = [
    "scaling",
    "model",
    "composed",
    "kernel",
    "operator",
    "flow",
    "measure",
    "forecast",
    "observe",
    "data",
    "proxy",
    "monte_carlo",
    "experiment",
    "sweep",
    "study",
    "claims",
    "report",
]
try:
    import torch  # noqa: F401

    ROOMS.append("torch")
except ImportError:
    pass
try:
    import sklearn  # noqa: F401

    ROOMS.append("estimators")
except ImportError:
    pass
DOORS = {"composed": ("lazyscope.model.composed", "lazyscope.limit.composed")}
"""Rooms that offer what stands behind them."""
WORD = "lazyscope._estimate"
"""Defined beside the rooms and offered by the first that uses it."""
EXTRAS = ("torch.", "estimators.")
EVERYTHING = os.environ.get("LAZYSCOPE_INPUTS") == "all"
PER_CALLABLE = 8
"""Bad values tried of every callable in the sample."""


def public():
    """Every public callable by ``room.name``; aliases of annotations are none."""
    found = {}
    for room in ROOMS:
        module = importlib.import_module(f"lazyscope.{room}")
        offered = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if name[0] != "_"
            and getattr(value, "__module__", "").startswith(
                (f"lazyscope.{room}", WORD, *DOORS.get(room, ()))
            )
        ]
        for name in offered:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isroutine(value) or hasattr(value, "__wrapped__"):
                found[f"{room}.{name}"] = value
    return found


PUBLIC = public()


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    """The valid calls, and what they cost to make, once."""
    return calls(tmp_path_factory.mktemp("inputs"))


def test_every_public_callable_has_a_valid_call_or_a_reason(valid):
    described = {name for name, given in valid.items() if given is not None}
    assert set(PUBLIC) - described - set(NOT_CALLED) == set()
    extras = {name for name in described | set(NOT_CALLED) if name.startswith(EXTRAS)}
    assert (described | set(NOT_CALLED)) - set(PUBLIC) <= {"torch"} | extras
    assert described & set(NOT_CALLED) == set()


def cases_of(name, given):
    """All (parameter, label, bad value) of one callable."""
    function = PUBLIC[name]
    hints = hints_of(function)
    parameters = inspect.signature(function).parameters
    return [
        (key, label, bad)
        for key, value in given.items()
        if key in parameters
        for label, bad in bad_values(name, parameters[key], hints.get(key, typing.Any), value)
    ]


def outcome_of(name, given, key, bad):
    """None where the value was refused as it should be, else what happened."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            result = PUBLIC[name](**{**given, key: bad})
        except InputError as error:
            text = str(error)
            return None if "\n" not in text else f"a message of several lines: {text!r}"
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:160]}"
    return f"accepted, gave {type(result).__name__}"


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_input_that_is_none_is_refused(name, valid, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a path that is none must not leave files among ours
    given = valid.get(name)
    if name in NOT_CALLED or not given:
        return
    if name not in HEAVY:
        PUBLIC[name](**given)
    cases = cases_of(name, given)
    if not EVERYTHING:
        cases = random.Random(name).sample(cases, min(PER_CALLABLE, len(cases)))
    wrong = {
        (name, key, label): found
        for key, label, bad in cases
        for found in [outcome_of(name, given, key, bad)]
        if found is not None
    }
    assert wrong == {}
