"""Is a network with its parameters and inputs a well-posed question for a tangent kernel?"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.tree_util import keystr

from lazyscope._checks import InputError, check_array
from lazyscope._jax import is_double, own_settings
from lazyscope._trace._equations import Example, trace_example
from lazyscope._trace._precision import kernel_type
from lazyscope._types import Apply, Params

ACCEPTS_ONE = "apply(params, x) must accept a batch with one example"
PROMOTED = "the types of arrays inside apply must be such that the session lets JAX promote them"


class Question(NamedTuple):
    """A network taken apart: a pure call, its arrays, and the inputs.

    Leaves and outputs have the kernel's type; where the network's own is another, `call` converts.
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

    Without it JAX would round double precision NumPy arrays to single precision. Arrays may be moved
    to their device here, whatever the session's guard says of its own transfers.
    """
    with own_settings(double=is_double(params)):
        try:
            yield
        except jax.errors.UnexpectedTracerError as error:
            raise not_repeatable("a value kept from an earlier call") from error
        except (ValueError, NotImplementedError) as error:
            refusal = _in_our_words(str(error))
            if isinstance(error, InputError) or refusal is None:
                raise
            raise refusal from error
        except jax.errors.JaxRuntimeError as error:
            if "callback" not in str(error):
                raise
            raise InputError(
                "callbacks inside apply must return what they promise",
                received=_first_line(error),
                cause="a callback that raises, or double precision in a session that has it switched off "
                "(callbacks run in the precision of the session)",
                fix="jax.config.update('jax_enable_x64', True), or give parameters in single precision",
            ) from error
        except Exception as error:
            if type(error).__name__ != "CustomVJPException":
                raise
            raise InputError(
                "a custom derivative rule inside apply must know every parameter that it depends on",
                received="a custom_vjp function that closes over parameters",
                cause="parameters used inside a function with a rule of its own without being its arguments; "
                "in diffrax, BacksolveAdjoint with parameters inside the vector field",
                fix="hand parameters in as arguments (diffeqsolve(..., args=params)), or use diffrax's "
                "RecursiveCheckpointAdjoint or DirectAdjoint",
            ) from error


def _in_our_words(message: str) -> InputError | None:
    """The refusal that stands for one of JAX's about derivatives and batches, if it is known."""
    if "Reverse-mode" in message:
        return InputError(
            "apply must have a derivative in reverse mode",
            received="a loop whose number of turns depends on values (lax.while_loop)",
            cause="an iteration to convergence, or fori_loop with bounds that are not constants",
            fix="use a fixed number of turns (fori_loop, scan), or a custom derivative rule",
        )
    if "allbacks do not support JVP" in message:
        return InputError(
            "apply must have a derivative in reverse mode",
            received="a callback to Python on values that depend on parameters",
            cause="jax.pure_callback or io_callback, which JAX cannot differentiate",
            fix="give a derivative rule by jax.custom_jvp or custom_vjp, or write it in jax.numpy",
        )
    if "ordered IO callback" in message:
        return InputError(
            "apply must be a function that can be evaluated for many examples at once",
            received="an ordered io_callback, which has no batches",
            cause="input or output that is made in order inside apply",
            fix="leave ordered=True out, or the callback",
        )
    return None


def pose(apply: Apply, params: Params, x1: Any, x2: Any | None) -> Question:
    """Check everything that can be seen without values, and trace the network."""
    if not callable(apply):
        raise _no_function(apply)
    names, leaves, treedef, own = taken_apart(params)
    dtype = kernel_type(own)
    leaves = [jnp.asarray(leaf, dtype) for leaf in leaves]
    x1, x2 = _inputs(x1, x2, own[0] if len(set(own)) == 1 else dtype, dtype)
    check_devices(names, leaves, x1, x2)
    dynamic, static = eqx.partition(apply, eqx.is_array)
    context, context_def = jax.tree.flatten(dynamic)

    def call(context: Sequence[Any], leaves: Sequence[Any], batch: Any) -> Any:
        network = eqx.combine(jax.tree.unflatten(context_def, context), static)
        mine = [_converted(leaf, kind) for leaf, kind in zip(leaves, own, strict=True)]
        return _converted(network(jax.tree.unflatten(treedef, mine), batch), dtype)

    example = _trace(call, context, leaves, x1)
    network = (_identity(static), own)
    return Question(network, call, tuple(context), tuple(leaves), names, treedef, x1, x2, example)


def _converted(array: Any, dtype: Any) -> Any:
    """A real array in another type; anything else as it is."""
    own = getattr(array, "dtype", None)
    if own is None or own == dtype or not jnp.issubdtype(own, np.floating):
        return array
    return array.astype(dtype)


def taken_apart(params: Params) -> tuple[tuple[str, ...], list[Any], Any, tuple[Any, ...]]:
    """Names, leaves, structure and the type of every leaf of a parameter tree, or a refusal."""
    _check_collections(params)
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
    return names, leaves, treedef, _types(leaves)


_COLLECTIONS = ("batch_stats", "cache", "intermediates", "perturbations")
"""What Flax Linen calls its variables that are no parameters."""


def _check_collections(params: Params) -> None:
    """Refuse all variables of a Linen module as parameters: batch statistics among them are none."""
    if not isinstance(params, Mapping) or "params" not in params:
        return
    others = [name for name in _COLLECTIONS if name in params]
    if others:
        raise InputError(
            "parameters must be what is trained, and nothing else",
            received=f"the collections params and {', '.join(others)}",
            cause="all variables of a Flax Linen module, whose statistics would count as parameters",
            fix="give *as_function(module, variables, **call), which keeps the other collections fixed, "
            "or variables['params'] and a function of them",
        )


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
    """A parameter must be a real floating-point array of finite numbers, without a mask."""
    known = isinstance(leaf, jax.Array | np.ndarray | np.generic)
    dtype = leaf.dtype if known else None
    if (
        dtype is not None
        and dtype.itemsize > np.dtype(np.float64).itemsize
        and jnp.issubdtype(dtype, np.floating)
    ):
        raise InputError(
            "every parameter must have double precision or less",
            received=f"{name} of type {dtype}",
            cause="long doubles, which JAX does not compute with",
            fix="convert it with astype(np.float64)",
        )
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
        with jax.transfer_guard("allow"):
            check_array(f"params {name}".removesuffix(" params"), leaf)
        return
    raise InputError(
        "every parameter must be a real floating-point array",
        received=f"{name} of type {dtype or type(leaf).__name__}",
        cause="a tree with functions, names, random keys or tensors of another library among the "
        "arrays, which cannot be differentiated",
        fix="split it first, for instance with equinox.partition(model, equinox.is_inexact_array), "
        "and combine inside apply",
    )


def _whole(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, np.integer) or jnp.issubdtype(dtype, np.bool_)


def _types(leaves: Sequence[Any]) -> tuple[Any, ...]:
    """The floating-point type of every leaf; Python numbers take the widest type of the others."""
    typed = [np.dtype(leaf.dtype) for leaf in leaves if hasattr(leaf, "dtype")]
    common = kernel_type(typed) if typed else np.dtype(jnp.result_type(float))
    if len(set(typed)) == 1:
        common = typed[0]
    return tuple(np.dtype(getattr(leaf, "dtype", common)) for leaf in leaves)


def _inputs(x1: Any, x2: Any | None, dtype: Any, widest: Any) -> tuple[Any, Any | None]:
    """Inputs as arrays with a batch axis, of the precision of the parameters if real."""
    first = _input("x1", x1, dtype, widest)
    if x2 is None:
        return first, None
    second = _input("x2", x2, dtype, widest)
    if first.shape[1:] != second.shape[1:] or first.dtype != second.dtype:
        raise InputError(
            "x1 and x2 must hold examples of one shape and type",
            received=f"x1 {first.dtype}{list(first.shape)}, x2 {second.dtype}{list(second.shape)}",
            cause="one of them misses its batch axis, or was preprocessed differently",
            fix="give both as (n, ...) with the same trailing shape",
        )
    return first, second


def _input(name: str, x: Any, dtype: Any, widest: Any) -> Any:
    """One set of examples. Real NumPy arrays take `dtype`; JAX arrays keep theirs up to `widest`."""
    x = check_array(name, x)
    if x.ndim == 0 or x.shape[0] == 0:
        raise InputError(
            f"{name} must hold at least one example along its first axis",
            received=f"shape {tuple(x.shape)}",
            cause="a single example without batch axis, or an empty selection",
            fix="pass an array (n, ...), for one example x[None]",
        )
    if not jnp.issubdtype(x.dtype, np.floating):
        return jnp.asarray(x)
    if not isinstance(x, jax.Array):
        return jnp.asarray(x, dtype)
    if jnp.finfo(x.dtype).bits > jnp.finfo(widest).bits:
        raise InputError(
            f"{name} must have the precision of the parameters",
            received=f"{name} {x.dtype}, parameters {dtype}",
            cause="mixed precision between data and parameters",
            fix=f"pass {name}.astype('{dtype}')",
        )
    return x


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
    except InputError:
        raise
    except Exception as error:
        refusal = _not_on_one(error, one)
        if refusal is None:
            raise
        raise refusal from error
    _check_output(out)
    return example


def _no_function(given: Any) -> InputError:
    """The refusal of what cannot be called."""
    if not hasattr(given, "apply"):
        return InputError(
            "apply must be a function apply(params, x)",
            received=type(given).__name__,
            cause="arguments in another order, or the result of a call in place of the function",
            fix="give the function itself, without brackets, before its parameters",
        )
    return InputError(
        "apply must be a function apply(params, x)",
        received=f"a {type(given).__name__}, which has one",
        cause="a network in place of its function",
        fix="give its method apply; with the speeds of the scheme that drew a network of lazyscope, it is "
        "lazyscope.drawn_tangent_kernel(network, params, x, scheme=scheme)",
    )


def _not_on_one(error: Exception, one: Any) -> InputError | None:
    """The refusal that stands for what apply raised on one example, if it is of a known kind."""
    if type(error).__name__ == "TraceContextError":
        return InputError(
            "apply must not change the state of a module that was made outside of it",
            received=f"{type(error).__name__}: {_first_line(error)}",
            cause="a Flax NNX module that counts its random numbers (nnx.RNN, dropout) or keeps running "
            "averages when it is called",
            fix="model.eval() first, and nnx.merge(graph, params, rest, copy=True) inside apply, or "
            "lazyscope.as_function(model)",
        )
    if isinstance(error, jax.dtypes.TypePromotionError):
        return InputError(
            PROMOTED,
            received=_first_line(error),
            cause="parameters, data or constants of several precisions under "
            "jax_numpy_dtype_promotion='strict'",
            fix="cast inside apply, or jax.config.update('jax_numpy_dtype_promotion', 'standard')",
        )
    if isinstance(error, TypeError | ValueError | IndexError):
        return InputError(
            ACCEPTS_ONE,
            received=f"x of shape {(1, *one.shape)} and type {one.dtype}; apply raised "
            f"{type(error).__name__}: {_first_line(error)}",
            cause="x of the wrong shape, a batch size written into apply, or params of another model",
            fix="check that apply(params, x[:1]) runs on its own",
        )
    return None


def _check_output(out: Any) -> None:
    """Outputs must be one array (1, C) of real numbers."""
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
