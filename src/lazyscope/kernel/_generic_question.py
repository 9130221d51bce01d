"""Is a network with its parameters and inputs a well-posed question for a tangent kernel?"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.tree_util import keystr

from lazyscope._checks import InputError
from lazyscope._types import Apply, Params
from lazyscope.kernel._generic_trace import Example, inner_types, trace_example

WITHIN_PRECISION = "a network must compute in the precision of its parameters"


class Question(NamedTuple):
    """A network taken apart: a pure call, its arrays, and the inputs, all of one precision.

    `network` tells networks apart whose equations look alike (custom derivative rules are not shown).

    ``call(context, leaves, batch)`` is the network; `context` are the arrays it carries besides its
    parameters (fields of an Equinox module). ``x2=None`` is x1 against itself.
    """

    network: Any
    call: Callable[..., Any]
    context: tuple[Any, ...]
    leaves: tuple[Any, ...]
    names: tuple[str, ...]
    treedef: Any
    x1: Any
    x2: Any | None
    example: Example


@contextlib.contextmanager
def asking(params: Params) -> Iterator[None]:
    """Double precision if a leaf is double, else as the session has it; JAX's refusals in our words.

    Without it JAX would round double precision NumPy arrays to single precision.
    """
    double = any(getattr(leaf, "dtype", None) == np.float64 for leaf in jax.tree.leaves(params))
    with jax.enable_x64(True) if double else contextlib.nullcontext():
        try:
            yield
        except jax.errors.UnexpectedTracerError as error:
            raise not_repeatable("a value kept from an earlier call") from error
        except ValueError as error:
            if "Reverse-mode" not in str(error):
                raise
            raise InputError(
                "apply must have a derivative in reverse mode",
                received="a loop whose number of turns depends on values (lax.while_loop)",
                cause="an iteration to convergence, or fori_loop with bounds that are not constants",
                fix="use a fixed number of turns (fori_loop, scan), or a custom derivative rule",
            ) from error


def pose(apply: Apply, params: Params, x1: Any, x2: Any | None) -> Question:
    """Check everything that can be seen without values, and trace the network."""
    names, leaves, treedef, dtype = taken_apart(params)
    leaves = [jnp.asarray(leaf, dtype) for leaf in leaves]
    x1, x2 = _inputs(x1, x2, dtype)
    check_devices(names, leaves, x1, x2)
    dynamic, static = eqx.partition(apply, eqx.is_array)
    context, context_def = jax.tree.flatten(dynamic)

    def call(context: Sequence[Any], leaves: Sequence[Any], batch: Any) -> Any:
        network = eqx.combine(jax.tree.unflatten(context_def, context), static)
        return network(jax.tree.unflatten(treedef, leaves), batch)

    example = _trace(call, context, leaves, x1)
    _check_inner_precision(example, dtype)
    network = _identity(static)
    return Question(network, call, tuple(context), tuple(leaves), names, treedef, x1, x2, example)


def taken_apart(params: Params) -> tuple[tuple[str, ...], list[Any], Any, Any]:
    """Names, leaves, structure and the common precision of a parameter tree, or a refusal."""
    named, treedef = jax.tree_util.tree_flatten_with_path(params)
    names = tuple(keystr(path) or "params" for path, _ in named)
    leaves = [leaf for _, leaf in named]
    if not leaves:
        raise InputError(
            "the parameters must hold at least one array",
            received=f"an empty tree {treedef}",
            cause="the parameters were filtered away, or the arguments are in another order",
            fix="call with (apply, params, x1)",
        )
    for name, leaf in zip(names, leaves, strict=True):
        _check_leaf(name, leaf)
    return names, leaves, treedef, _common_precision(names, leaves)


def _identity(static: Any) -> Any:
    """Something hashable that is equal for the same network only."""
    parts = (*jax.tree.leaves(static), jax.tree.structure(static))
    try:
        hash(parts)
    except TypeError:
        return object()
    return parts


def retrace(question: Question) -> Example:
    """Trace the network of a question once more."""
    return _trace(question.call, question.context, question.leaves, question.x1)


def _check_leaf(name: str, leaf: Any) -> None:
    """A parameter must be a real floating-point array."""
    dtype = getattr(leaf, "dtype", None)
    if isinstance(leaf, bool | int) or (dtype is not None and _whole(dtype)):
        raise InputError(
            "every parameter must be a real floating-point array",
            received=f"{name} of type {dtype or type(leaf).__name__}",
            cause="a counter, a mask or a label among the parameters; nothing can be differentiated "
            "with respect to it",
            fix="close over it in apply, or convert it with astype(float)",
        )
    if isinstance(leaf, complex) or (
        dtype is not None and jnp.issubdtype(dtype, np.complexfloating)
    ):
        raise InputError(
            "every parameter must be a real floating-point array",
            received=f"{name} of type {dtype or type(leaf).__name__}",
            cause="complex weights, for which the kernel depends on a convention",
            fix="pass real and imaginary parts as two leaves and combine them in apply",
        )
    if isinstance(leaf, float) or (dtype is not None and jnp.issubdtype(dtype, np.floating)):
        return
    raise InputError(
        "every parameter must be a real floating-point array",
        received=f"{name} of type {dtype or type(leaf).__name__}",
        cause="a tree with functions, names or random keys among the arrays, which cannot be "
        "differentiated",
        fix="split it first, for instance with equinox.partition(model, equinox.is_inexact_array), "
        "and combine inside apply",
    )


def _whole(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, np.integer) or jnp.issubdtype(dtype, np.bool_)


def _common_precision(names: Sequence[str], leaves: Sequence[Any]) -> Any:
    """The one floating-point type of all leaves; Python floats take the type of the others."""
    typed = {n: leaf.dtype for n, leaf in zip(names, leaves, strict=True) if hasattr(leaf, "dtype")}
    kinds = sorted({str(dtype) for dtype in typed.values()})
    if len(kinds) > 1:
        examples = [f"{next(n for n, d in typed.items() if str(d) == k)} {k}" for k in kinds]
        raise InputError(
            "all parameters must have one precision",
            received=", ".join(examples),
            cause="mixed precision: part of the tree was cast, or NumPy arrays (double) met JAX "
            "arrays (single)",
            fix="cast the tree to one type with jax.tree.map",
        )
    if kinds and kinds[0] not in ("float32", "float64"):
        raise InputError(
            "parameters must have single or double precision",
            received=kinds[0],
            cause="weights kept in half precision; small eigenvalues of the kernel would be noise",
            fix="cast the tree with jax.tree.map(lambda a: a.astype('float32'), params)",
        )
    return np.dtype(kinds[0]) if kinds else jnp.result_type(float)


def _inputs(x1: Any, x2: Any | None, dtype: Any) -> tuple[Any, Any | None]:
    """Inputs as arrays with a batch axis, of the precision of the parameters if real."""
    first = _input("x1", x1, dtype)
    if x2 is None:
        return first, None
    second = _input("x2", x2, dtype)
    if first.shape[1:] != second.shape[1:] or first.dtype != second.dtype:
        raise InputError(
            "x1 and x2 must hold examples of one shape and type",
            received=f"x1 {first.dtype}{list(first.shape)}, x2 {second.dtype}{list(second.shape)}",
            cause="one of them misses its batch axis, or was preprocessed differently",
            fix="give both as (n, ...) with the same trailing shape",
        )
    return first, second


def _input(name: str, x: Any, dtype: Any) -> Any:
    own = getattr(x, "dtype", None)
    if isinstance(x, jax.Array) and jnp.issubdtype(x.dtype, np.floating) and x.dtype != dtype:
        raise InputError(
            f"{name} must have the precision of the parameters",
            received=f"{name} {x.dtype}, parameters {dtype}",
            cause="mixed precision between data and parameters",
            fix=f"pass {name}.astype('{dtype}')",
        )
    if not isinstance(x, jax.Array) and (own is None or own == np.float64):
        x = np.asarray(x)
    if x.ndim == 0 or x.shape[0] == 0:
        raise InputError(
            f"{name} must hold at least one example along its first axis",
            received=f"shape {tuple(x.shape)}",
            cause="a single example without batch axis, or an empty selection",
            fix="pass an array (n, ...), for one example x[None]",
        )
    if jnp.issubdtype(x.dtype, np.floating):
        return jnp.asarray(x, dtype)
    if not _whole(x.dtype):
        raise InputError(
            f"{name} must hold real numbers or integers",
            received=f"type {x.dtype}",
            cause="text, objects or complex numbers among the data",
            fix="encode the examples as real numbers or integer tokens",
        )
    return jnp.asarray(x)


def check_devices(names: Sequence[str], leaves: Sequence[Any], *inputs: Any) -> None:
    """Arrays that were put on a device must all be on the same one."""
    arrays = [*zip(names, leaves, strict=True), *zip(("x1", "x2"), inputs, strict=True)]
    placed: dict[frozenset[Any], str] = {}
    for name, array in arrays:
        if isinstance(array, jax.Array) and not isinstance(array, Tracer) and array.committed:
            placed.setdefault(frozenset(array.devices()), name)
    if len(placed) > 1:
        where = [f"{n} on {', '.join(map(str, devices))}" for devices, n in placed.items()]
        raise InputError(
            "parameters and inputs must be on one device",
            received="; ".join(where),
            cause="a part was moved with jax.device_put and the rest was not",
            fix="move all of them with jax.device_put(tree, device)",
        )


_UNTRACEABLE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


def _trace(call: Callable[..., Any], context: Any, leaves: Any, x1: Any) -> Example:
    """Trace the network on one example, checking the shape of its output."""
    one = jax.ShapeDtypeStruct(x1.shape[1:], x1.dtype)
    try:
        example, out = trace_example(call, context, leaves, one)
    except jax.errors.UnexpectedTracerError:
        raise
    except _UNTRACEABLE as error:
        raise InputError(
            "apply must be a JAX function",
            received=f"{type(error).__name__}: {_first_line(error)}",
            cause="NumPy functions on traced values, indexing a NumPy array with data, or Python's "
            "if and for on values",
            fix="use jax.numpy, jnp.asarray(table)[x], jnp.where or jax.lax.cond",
        ) from error
    except (TypeError, ValueError, IndexError) as error:
        raise InputError(
            "apply(params, x) must accept a batch with one example",
            received=f"x of shape {(1, *one.shape)} and type {one.dtype}; apply raised "
            f"{type(error).__name__}: {_first_line(error)}",
            cause="x of the wrong shape, a batch size written into apply, or params of another model",
            fix="check that apply(params, x[:1]) runs on its own",
        ) from error
    shape = getattr(out, "shape", None)
    if shape is None or len(shape) != 2 or shape[0] != 1:
        raise InputError(
            "apply(params, x) must return outputs of shape (n, C)",
            received=f"{jax.tree.structure(out) if shape is None else shape} for one example",
            cause="a scalar output without its axis, more than one output array, extra axes, or a "
            "loss instead of outputs",
            fix="reshape inside apply, for instance f[:, None] or f.reshape(len(x), -1)",
        )
    if not jnp.issubdtype(out.dtype, np.floating):
        raise InputError(
            "apply(params, x) must return real numbers",
            received=f"outputs of type {out.dtype}",
            cause="predicted classes or complex amplitudes instead of real outputs",
            fix="return the real outputs before argmax",
        )
    return example


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:200]


def not_repeatable(received: str) -> InputError:
    """The refusal of a network that is random or keeps state."""
    return InputError(
        "apply must return the same outputs whenever it is called with the same arguments",
        received=received,
        cause="dropout or other randomness in apply, or state that changes between calls (a counter, "
        "a random key, running averages)",
        fix="switch the network to evaluation mode and fix its random key and state",
    )


def _check_inner_precision(example: Example, dtype: Any) -> None:
    """Nothing on the way may be rounded to another precision."""
    for kind, name in inner_types(example.closed.jaxpr):
        if jnp.issubdtype(kind, np.inexact) and kind != dtype:
            raise InputError(
                WITHIN_PRECISION,
                received=f"{kind} in {name}, parameters {dtype}",
                cause="mixed precision inside apply: a compute type, a cast, or an array constant of "
                "another type",
                fix=f"let the whole of apply compute in {dtype}",
            )
