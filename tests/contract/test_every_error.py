"""Does every exception of the library come back equal from wherever it is sent?"""

import copy
import copyreg
import importlib
import inspect
import multiprocessing
import pickle
import pkgutil
import threading
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import numpy as np
import pytest

import lazyscope
from lazyscope._checks import InputError
from lazyscope._outcome import Outcome, RunError
from lazyscope._portable import PortableError

VALUES = {
    "rule": "widths must be whole",
    "received": [1, 2.5],
    "cause": "a typo",
    "fix": "try 64",
    "outcome": Outcome.DIVERGED,
    "address": "tcp://nowhere:1",
}


@cache
def error_classes():
    """Every exception and warning class that a module of the package defines, by walking them all."""
    found = set()
    for module in pkgutil.walk_packages(lazyscope.__path__, "lazyscope."):
        for value in vars(importlib.import_module(module.name)).values():
            if (
                inspect.isclass(value)
                and issubclass(value, BaseException)
                and value.__module__.startswith("lazyscope")
            ):
                found.add(value)
    return tuple(sorted(found - {PortableError}, key=lambda one: one.__qualname__))


def made(kind):
    """An exception of `kind`; a constructor with another argument has to be taught to `VALUES`."""
    if not inspect.isfunction(kind.__init__):  # Python's own constructor, which takes a text
        return kind("a text")
    parameters = inspect.signature(kind).parameters.values()
    named = {p.name: VALUES.get(p.name, "a text") for p in parameters if p.kind is p.KEYWORD_ONLY}
    plain = [VALUES.get(p.name, "a text") for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    return kind(*plain, **named)


def same(one, other):
    fields = {name: value for name, value in vars(other).items() if name != "__notes__"}
    assert type(one) is type(other)
    assert str(one) == str(other)
    assert one == other
    assert hash(one) == hash(other)
    assert {name: vars(one)[name] for name in fields} == fields


def raised(error):
    raise error


class RefinedError(InputError):
    """A subclass of a user, with a constructor of its own and a slot."""

    __slots__ = ("layer",)

    def __init__(self, layer, extra):
        super().__init__(f"layer {layer} must be wide", received=extra, cause="c", fix="f")
        self.layer = layer
        self.extra = extra


class StubbornError(Exception):
    """An exception of others that pickles but does not come back."""

    def __init__(self, one, two):
        super().__init__(f"{one}{two}")

    def __reduce__(self):
        return type(self), self.args


def test_the_walk_finds_the_errors_that_are_known():
    names = {kind.__name__ for kind in error_classes()}
    assert {"InputError", "StoreError", "RunError", "SchedulerLostError"} <= names


def test_every_error_comes_back_equal_from_pickle_and_copy():
    for kind in error_classes():
        error = made(kind)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            same(pickle.loads(pickle.dumps(error, protocol)), error)
        same(copy.copy(error), error)
        same(copy.deepcopy([error])[0], error)
        twice = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(error))))
        same(twice, error)


def test_errors_come_back_equal_from_processes_and_leave_the_pool_whole():
    errors = [made(InputError), made(RunError)]  # those that load no JAX in the process
    errors.append(InputError("r", received=threading.Lock(), cause="c", fix="f"))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        for error, sent in [(e, pool.submit(raised, e)) for e in errors]:
            assert sent.exception() == error
        assert pool.submit(abs, -1).result() == 1


def test_every_error_comes_back_equal_from_the_serialisers_of_joblib_and_dask():
    import cloudpickle
    from distributed.protocol import deserialize, serialize

    for kind in error_classes():
        error = made(kind)
        same(cloudpickle.loads(cloudpickle.dumps(error)), error)
        same(deserialize(*serialize(error)), error)


def test_a_long_message_keeps_its_class_in_dask():
    from distributed.core import error_message

    error = InputError("path must exist", received="a" * 50_000, cause="c", fix="f")
    assert len(str(error)) < 1000
    sent = error_message(error)["exception"]
    sent = getattr(sent, "data", sent)
    assert (pickle.loads(sent) if isinstance(sent, bytes) else sent) == error


@pytest.mark.parametrize("value", [lambda: 0, threading.Lock(), StubbornError("a", "b"), open])
def test_a_value_that_cannot_travel_comes_back_as_its_text(value):
    error = InputError("x must be a number", received=value, cause="c", fix="f")
    back = pickle.loads(pickle.dumps(error))
    assert back == error
    assert back.received is value or str(value) in str(back.received)


def test_values_that_can_travel_come_back_as_they_were():
    for value in (0.5, None, "text", [1, 2], {"a": (1,)}, Outcome.STALLED):
        error = InputError("x must be so", received=value, cause="c", fix="f")
        assert pickle.loads(pickle.dumps(error)).received == value
    array = InputError("x must be so", received=np.arange(3.0), cause="c", fix="f")
    back = pickle.loads(pickle.dumps(array))
    assert back == array
    np.testing.assert_array_equal(back.received, np.arange(3.0))
    nan = InputError("x must be so", received=float("nan"), cause="c", fix="f")
    assert pickle.loads(pickle.dumps(nan)) == nan


def test_causes_and_notes_come_along(monkeypatch):
    # Where Dask was imported it pickles causes itself, before the exception is asked.
    monkeypatch.delitem(copyreg.dispatch_table, InputError, raising=False)
    error = InputError("file must be readable", received="x", cause="c", fix="f")
    error.add_note("while reading the third file")
    error.__cause__ = FileNotFoundError(2, "No such file", "x")
    back = pickle.loads(pickle.dumps(error))
    assert back.__notes__ == ["while reading the third file"]
    assert type(back.__cause__) is FileNotFoundError
    assert back.__cause__.filename == "x"
    assert back.__suppress_context__
    error.__cause__ = StubbornError("a", "b")
    assert "StubbornError: ab" in str(pickle.loads(pickle.dumps(error)).__cause__)
    chain = error
    for _ in range(40):  # a chain costs its length, not two to its power
        longer = InputError("r", received=0, cause="c", fix="f")
        longer.__cause__ = chain
        chain = longer
    assert pickle.loads(pickle.dumps(chain)) == chain


def test_a_subclass_with_another_constructor_comes_back_with_all_its_fields():
    error = RefinedError(3, np.ones(2))
    back = pickle.loads(pickle.dumps(error))
    assert back == error
    assert (back.layer, back.rule, back.fix) == (3, "layer 3 must be wide", "f")
    assert copy.deepcopy(error) == error


def test_errors_that_differ_are_not_equal():
    def error(**changed):
        return InputError(**{"rule": "r", "received": 1, "cause": "c", "fix": "f"} | changed)

    assert error() == error()
    assert len({error(), error(), error(received=2)}) == 2
    for changed in ({"rule": "s"}, {"received": 2}, {"cause": "d"}, {"fix": "g"}):
        assert error() != error(**changed)
    assert error() != RunError(Outcome.STALLED)
    assert RunError(Outcome.STALLED) != RunError(Outcome.DIVERGED)
    assert error() != RefinedError(1, 2)


def test_a_huge_number_is_refused_in_one_short_sentence():
    error = InputError("x must be small", received=10**5000, cause="c", fix="f")
    assert "a whole number of about 5001 digits" in str(error)
    assert pickle.loads(pickle.dumps(error)) == error
