"""Strict arithmetic in every test: no silent dtype promotion, warnings are errors (pyproject)."""

import time

import jax
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")


@pytest.fixture
def double():
    """Double precision inside one test, as the library's own entry points use it."""
    with jax.enable_x64(True):
        yield


class Clock:
    """A clock that takes one millisecond to be read, and otherwise moves by what it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1e-3
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """Time as this test tells it, so that no other load on the machine can decide the result."""
    monkeypatch.setattr(time, "perf_counter", clock := Clock())
    return clock
