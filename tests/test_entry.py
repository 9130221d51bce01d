"""Are arguments refused that are of another kind than their annotations, and only those?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from lazyscope._checks import InputError
from lazyscope._entry import check_fields, checked


@checked(unbounded=("open_end",), any_axes=("flat",), own=("unseen",))
def everything(
    count: int = 1,
    number: float = 1.0,
    flag: bool = False,
    word: Literal["a", "b"] = "a",
    rows: Float[Array, "n d"] | None = None,
    scale: Float[Array, ""] | float = 1.0,
    flat: Float[Array, "n d"] | None = None,
    open_end: float = 1.0,
    items: Sequence[float] = (1.0,),
    function: Callable[[int], int] = abs,
    unseen: int = 0,
    free: Any = None,
) -> tuple:
    return count, number, rows


@pytest.mark.parametrize(
    "given",
    [
        *({"count": v} for v in ("1", None, True, 1.5, -1, np.nan, 10**30, 10**5000)),
        *({"number": v} for v in ("1", None, True, 1j, np.nan, np.inf, [1.0], 10**400)),
        *({"flag": v} for v in ("False", 0, None)),
        *({"word": v} for v in ("c", b"a", None, 1)),
        *({"rows": v} for v in (np.ones(2), [[np.nan, 1.0]], np.ones((2, 2)) * 1j, [["a"]], "a")),
        *({"scale": v} for v in (np.ones(1), np.nan, "1", True, np.True_)),
        *({"open_end": v} for v in ("1", None, False, 10**400)),
        *({"items": v} for v in ("12", 1.0, [np.nan], None, {1.0: 1.0})),
        *({"function": v} for v in (None, 3)),
        {"flat": [np.inf]},
    ],
)
def test_another_kind_is_refused(given):
    with pytest.raises(InputError):
        everything(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"count": np.int32(3)},
        {"number": np.float32(0.5)},
        {"number": 3},
        {"flag": np.True_},
        {"rows": None},
        {"rows": [[1, 2]]},
        {"scale": jnp.asarray(2.0)},
        {"flat": np.ones(3)},
        {"open_end": np.inf},
        {"unseen": "anything"},
        {"free": object()},
    ],
)
def test_the_annotated_kind_is_taken(given):
    everything(**given)


def test_whole_real_numbers_arrive_as_int():
    assert type(everything(2.0)[0]) is int


def test_traced_arrays_are_refused_by_axes_alone():
    jax.jit(lambda x: everything(rows=x)[2])(jnp.full((2, 2), jnp.nan))
    with pytest.raises(InputError, match="Rows must be an array with 2 axes"):
        jax.jit(lambda x: everything(rows=x)[2])(jnp.ones(2))


def test_a_wrong_number_of_arguments_is_told_in_the_words_of_python():
    with pytest.raises(TypeError, match=r"everything\(\) got an unexpected keyword argument"):
        everything(cuont=1)


def test_lists_become_tuples_in_fields():
    @dataclass(frozen=True)
    class Settings:
        widths: tuple[int, ...]

        def __post_init__(self) -> None:
            check_fields(self)

    assert Settings([4.0, 8]).widths == (4, 8)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="Widths must be a whole number"):
        Settings(("4",))  # pyright: ignore[reportArgumentType]
