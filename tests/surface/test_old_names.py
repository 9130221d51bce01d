"""Do old names still give what the new ones do, and say so?"""

import importlib

import jax.numpy as jnp
import pytest

from lazyscope.kernel import explain_tangent_kernel

RENAMED = {
    ("lazyscope", "tangent_kernel_by_leaf"): "tangent_kernel_by_parameter",
    ("lazyscope.kernel", "tangent_kernel_by_leaf"): "tangent_kernel_by_parameter",
    ("lazyscope.kernel", "LeafHandling"): "ParameterHandling",
    ("lazyscope.observe", "group_leaves"): "group_parameters",
}


@pytest.mark.parametrize(("module", "old"), RENAMED)
def test_an_old_name_is_the_new_one_with_a_warning_that_names_it(module, old):
    new = RENAMED[module, old]
    room = importlib.import_module(module)
    with pytest.warns(DeprecationWarning, match=rf"{module}.{old} is .*{new} now") as caught:
        found = getattr(room, old)
    assert found is getattr(room, new)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(("module", "old"), RENAMED)
def test_an_old_name_is_not_offered(module, old):
    assert old not in importlib.import_module(module).__all__


def test_an_explanation_still_has_its_old_list():
    how = explain_tangent_kernel(lambda w, x: x @ w, jnp.ones((2, 1)), jnp.ones((3, 2)))
    with pytest.warns(DeprecationWarning, match="parameters"):
        assert how.leaves == how.parameters


@pytest.mark.parametrize("module", ["lazyscope", "lazyscope.kernel"])
def test_a_name_that_never_was_is_an_error(module):
    with pytest.raises(AttributeError, match="tangent_kernel_by_lief"):
        importlib.import_module(module).tangent_kernel_by_lief  # noqa: B018
