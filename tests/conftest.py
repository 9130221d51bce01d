"""Strict arithmetic in every test: no silent dtype promotion, warnings are errors (pyproject)."""

import jax
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
# Most of the time of the tests is compilation; processes that they start optimise as users' do.
jax.config.update("jax_disable_most_optimizations", True)


@pytest.fixture
def double():
    """Double precision inside one test, as the library's own entry points use it."""
    with jax.enable_x64(True):
        yield
