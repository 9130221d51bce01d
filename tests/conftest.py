"""Strict arithmetic in every test: no silent dtype promotion, warnings are errors (pyproject)."""

import jax
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")


@pytest.fixture
def double():
    """Double precision inside one test, as the library's own entry points use it."""
    with jax.enable_x64(True):
        yield
