"""Are arguments refused that are of another kind than their annotations, and only those?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from lazyscope._checks import InputError, check_array
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


@checked(instead="sizes are those of the network")
def layer(*, outputs: int | None = None, function: Callable = abs) -> None:
    return None


class Made:
    @checked(own=("size",))
    def __init__(self, size: int) -> None:
        self.size = size


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: layer(512),
            r"layer\(512\): too many positional.*call layer\(\*, outputs=None, function=",
        ),
        (lambda: layer(512), "; sizes are those of the network"),
        (lambda: layer(output=1), "another spelling of outputs"),
        (lambda: layer(W_std=1.5), "another library or release"),
        (lambda: Made(), r"Made must be called.*Made\(\): missing a required argument: 'size'"),  # pyright: ignore[reportCallIssue]
        (lambda: Made(1, 2), r"Received: Made\(1, 2\)"),  # pyright: ignore[reportCallIssue]
        (lambda: everything(cuont=1), "unexpected keyword argument 'cuont'.*spelling of count"),
    ],
)
def test_a_call_that_does_not_fit_says_what_to_write(call, words):
    with pytest.raises(InputError, match=words) as told:
        call()
    assert isinstance(told.value, TypeError)
    assert " at 0x" not in str(told.value)


def test_lists_become_tuples_in_fields():
    @dataclass(frozen=True)
    class Settings:
        widths: tuple[int, ...]

        def __post_init__(self) -> None:
            check_fields(self)

    assert Settings([4.0, 8]).widths == (4, 8)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="Widths must be a whole number"):
        Settings(("4",))  # pyright: ignore[reportArgumentType]


class Broken:
    """An object of which one method raises."""

    def __init__(self, error):
        self.error = error

    def fail(self, *unused):
        raise self.error


def broken(method, error):
    """An object whose `method` raises `error`, as of a lazy table or a lost connection."""
    return type("Lazy", (Broken,), {method: Broken.fail})(error)


ERRORS = (KeyError("lost"), ZeroDivisionError("lost"), MemoryError("lost"), OSError(5, "lost"))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("method", ["__array__", "__len__", "__iter__", "__repr__", "__getattr__"])
@pytest.mark.parametrize("name", ["count", "number", "flag", "word", "rows", "items", "flat"])
def test_a_value_whose_own_methods_raise_is_refused(name, method, error):
    with pytest.raises(InputError) as refused:
        everything(**{name: broken(method, error)})
    assert "\n" not in str(refused.value)


def test_an_array_that_was_deleted_is_refused_by_name():
    array = jnp.ones((2, 2))
    array.delete()
    with pytest.raises(
        InputError, match=r"Rows must be a value that can be read.*deleted or donated"
    ):
        everything(rows=array)


def test_more_entries_than_memory_holds_are_refused():
    for name in ("items", "flat", "rows"):
        with pytest.raises(InputError):
            everything(**{name: range(10**15)})


def test_what_a_function_raises_comes_through_as_it_is():
    @checked()
    def call(function: Callable[[], None]) -> None:
        function()

    with pytest.raises(ZeroDivisionError):
        call(lambda: 1 / 0)


def test_a_fraction_may_stand_for_a_number_with_open_ends():
    @checked(unbounded=("end",))
    def given(end: float) -> float:
        return end

    assert [type(given(end)) for end in (Fraction(1, 2), 3, np.float32(1))] == [
        float,
        int,
        np.float32,
    ]


def test_a_deleted_array_is_refused_where_its_entries_may_be_anything():
    array = jnp.ones((2, 2))
    array.delete()
    with pytest.raises(InputError, match=r"Values must be a value that can be read"):
        check_array("values", array, finite=False)
