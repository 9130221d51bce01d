"""Are annotations compared with what functions take and return, after the functions' own refusals?"""

import os
from typing import Literal

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from annotations import AnnotationError, agreed
from lazyscope._checks import InputError
from lazyscope.model import affine, build_network


@agreed
def product(a: Float[Array, "n k"], b: Float[Array, "k m"]) -> Float[Array, "n m"]:
    return a @ b


@agreed
def turned(a: Float[Array, "n k"]) -> Float[Array, "n k"]:
    return a.T


@agreed
def named(name: str, count: int = 1) -> str:
    return str(name) * count


def test_axes_of_one_name_have_one_length():
    assert product(jnp.ones((2, 3)), jnp.ones((3, 4))).shape == (2, 4)
    with pytest.raises(
        AnnotationError, match=r"turned: return is annotated .*was ArrayImpl \(3, 2\)"
    ):
        turned(jnp.ones((2, 3)))


def test_an_argument_that_is_accepted_against_its_annotation_is_seen():
    with pytest.raises(AnnotationError, match="name is annotated <class 'str'>, was int"):
        named(3)


@agreed
def summed(parts: tuple[int, ...], axis: Literal["rows", "columns"]) -> float:
    return float(sum(map(float, parts))) if axis else 0.0


def test_calls_that_agreed_hide_none_that_does_not():
    for _ in range(3):
        assert turned(jnp.ones((3, 3))).shape == (3, 3)
        assert summed((1, 2), "rows") == 3.0
    with pytest.raises(AnnotationError, match=r"return is annotated .*\(3, 2\)"):
        turned(jnp.ones((2, 3)))
    with pytest.raises(AnnotationError, match=r"a is annotated .*\(3,\)"):
        turned(jnp.ones(3))
    for parts, axis in (((1.5, 2.5), "rows"), (("1", "2"), "rows"), ((1, 2), "layers")):
        with pytest.raises(AnnotationError):
            summed(parts, axis)


@pytest.mark.parametrize("a", [np.ones((2, 3)), [[1.0, 2.0, 3.0]]])
def test_lists_and_arrays_of_numpy_stand_for_arrays(a):
    assert product(jnp.asarray(a), np.ones((3, 4))).shape == (len(a), 4)


def test_what_a_function_refuses_is_an_input_error_still():
    with pytest.raises(InputError, match="Received: 'two'"):
        build_network("dense", 2, 1, width="two", depth=1)


@pytest.mark.skipif(
    os.environ.get("LAZYSCOPE_ANNOTATIONS") == "unchecked", reason="switched off by the user"
)
def test_functions_of_the_library_are_checked_in_tests():
    assert affine.__code__.co_filename.endswith("annotations.py")
