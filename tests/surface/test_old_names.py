"""Do old names still give what the new ones do, and say so?"""

import importlib
import importlib.util
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyscope
from lazyscope.flow import function_problem, solve_flow
from lazyscope.forecast import forecast_problem
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


OLD_ARGUMENTS = {"stop_fraction": "stop", "at_fraction": "stop"}
"""What an argument was called, and the one name that the thing has."""


def public_functions():
    """Every function and class that a room offers, by its path."""
    found = {}
    for room in lazyscope._ROOMS:
        if room == "torch" and importlib.util.find_spec("torch") is None:
            continue  # an extra
        module = importlib.import_module(f"lazyscope.{room}")
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.isfunction(value) or inspect.isclass(value):
                found[f"{room}.{name}"] = value
    return found


def arguments_of(function):
    try:
        return inspect.signature(function).parameters
    except ValueError:  # a class without a signature
        return {}


def test_no_public_signature_has_an_old_name():
    found = public_functions()
    assert len(found) > 200
    old = {
        (path, name)
        for path, function in found.items()
        for name in arguments_of(function)
        if name in OLD_ARGUMENTS
    }
    assert old == set()


def test_progress_is_a_function_that_is_told_and_show_progress_a_switch():
    for path, function in public_functions().items():
        arguments = arguments_of(function)
        for name, hint in (("show_progress", "bool"), ("progress", "Callable")):
            if name in arguments:
                assert hint in str(arguments[name].annotation), (path, name)


def a_problem():
    return function_problem(
        lambda p, x: x @ p["w"], {"w": jnp.ones((1, 1))}, jnp.ones((1, 1)), [3.0]
    )


@pytest.mark.parametrize(
    ("function", "old"),
    [(solve_flow, "stop_fraction"), (forecast_problem, "at_fraction")],
)
def test_an_old_argument_is_the_new_one_with_a_warning_that_names_it(function, old):
    new = OLD_ARGUMENTS[old]
    with pytest.warns(
        DeprecationWarning, match=f"{old} of {function.__name__} is {new} now"
    ) as told:
        found = function(a_problem(), **{old: 0.5})
    assert told[0].filename == __file__
    same = function(a_problem(), **{new: 0.5})
    assert jax.tree.all(
        jax.tree.map(lambda a, b: np.array_equal(a, b, equal_nan=True), found, same)
    )
    with pytest.raises(TypeError, match=old):
        function(a_problem(), **{old: 0.5, new: 0.5})
