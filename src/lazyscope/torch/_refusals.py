"""Which modules, inputs and functions have no tangent kernel, and why?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.nn.parameter import is_lazy

from lazyscope._checks import InputError, check_array

_DROPOUTS = {
    getattr(torch, name + ending)
    for name in ("dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout")
    for ending in ("", "_")
}
_LOOKUPS = {functional.embedding: (1, 5), torch.embedding: (0, 3), torch.embedding_bag: (0, 3)}
"""Where lookups have their table and whether its gradients are divided by the number of lookups."""
_NORMS = (functional.batch_norm, torch.batch_norm)


def check_function(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Refuse dropout before it happens."""
    if func in _DROPOUTS and _argument(args, kwargs, 2, "train", True) and args[1] > 0:
        raise random_function(f"{func.__name__.rstrip('_')} with p = {args[1]} in training mode")
    if func is functional.scaled_dot_product_attention:
        p = _argument(args, kwargs, 4, "dropout_p", 0.0)
        if p > 0:
            raise random_function(f"attention with dropout p = {p} in training mode")
    if func in _LOOKUPS:
        table, scaled = _LOOKUPS[func]
        weight = _argument(args, kwargs, table, "weight", None)
        if _argument(args, kwargs, scaled, "scale_grad_by_freq", False) and weight.requires_grad:
            raise scaled_by_frequency(func.__name__)


def takes_batch_statistics(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether a batch norm takes mean and variance from what it is given."""
    return func in _NORMS and bool(_argument(args, kwargs, 5, "training", False))


def _argument(
    args: Sequence[Any], kwargs: dict[str, Any], place: int, name: str, default: Any
) -> Any:
    return args[place] if len(args) > place else kwargs.get(name, default)


def batch_statistics() -> InputError:
    """The refusal of batch norm in training mode."""
    return InputError(
        "a module must treat each example on its own; otherwise the tangent kernel of two examples is "
        "undefined, since it would depend on which others are in the batch",
        received="batch norm that takes mean and variance from the batch",
        cause="batch norm in training mode, or made with track_running_stats=False",
        fix="call module.eval(), which holds the running mean and variance fixed, or use group norm",
    )


def mixing(received: str) -> InputError:
    """The refusal of any other module that mixes the batch."""
    return InputError(
        "a module must treat each example on its own; otherwise the tangent kernel of two examples is "
        "undefined, since it would depend on which others are in the batch",
        received=received,
        cause="a mean over the batch, attention across the first axis (batch_first=False), sorting, "
        "ranking or a limited capacity over the batch, or a first axis that is not the examples",
        fix="give inputs with the examples along the first axis, and keep them apart on the way",
    )


def scaled_by_frequency(name: str) -> InputError:
    """The refusal of gradients that are divided by how often a row is looked up in the batch."""
    return InputError(
        "the gradient of each example must not depend on which others are in the batch",
        received=f"{name} with scale_grad_by_freq=True",
        cause="an embedding whose gradients are divided by the number of lookups in the batch, so that they "
        "are not those of its outputs",
        fix="set scale_grad_by_freq = False on a copy of the module; its outputs are the same",
    )


def random_function(received: str) -> InputError:
    """The refusal of a module that is random or keeps state."""
    return InputError(
        "a module must return the same outputs whenever it is called with the same inputs",
        received=received,
        cause="dropout or other randomness, or state that changes between calls",
        fix="call module.eval(), or set the dropout probability to zero",
    )


def wrong_precision(found: torch.dtype, name: str, wanted: torch.dtype) -> InputError:
    """The refusal of mixed precision on the way."""
    return InputError(
        "a module must compute in the precision of its parameters",
        received=f"{found} in {name}, parameters {wanted}",
        cause="autocast, a cast inside the module, or a part in another precision",
        fix=f"leave out autocast and let the whole module compute in {wanted}",
    )


def check_module(module: Any) -> None:
    """A module with its parameters in place."""
    if isinstance(module, torch.nn.Module):
        held = list(module.named_parameters())
        lazy = [name for name, p in held if is_lazy(p)]
        if lazy:
            raise _missing(
                f"{lazy[0]}, which is not initialised",
                "a lazy layer that has not seen any input",
                "call the module once on an example",
            )
        if held and all(p.is_meta for _, p in held):
            raise _missing(
                f"{held[0][0]} on the device meta, which has shapes and no numbers",
                "a module that was built within torch.device('meta'), or loaded without its weights",
                "build it on the CPU, or call to_empty(device='cpu') and draw its parameters",
            )
        return
    raise InputError(
        "a network must be a torch.nn.Module",
        received=f"an object of type {type(module).__name__}",
        cause="the class in place of an object, a function, a state_dict, or a network of another "
        "library",
        fix="give the module itself; for JAX functions there is lazyscope.tangent_kernel",
    )


def _missing(received: str, cause: str, fix: str) -> InputError:
    return InputError(
        "the parameters of a module must exist", received=received, cause=cause, fix=fix
    )


def check_parameters(named: Sequence[tuple[str, torch.Tensor]]) -> tuple[torch.dtype, torch.device]:
    """Trainable parameters of one real precision on one device."""
    if not named:
        raise InputError(
            "a module must have at least one trainable parameter",
            received="no parameter with requires_grad",
            cause="a frozen module, or one without parameters",
            fix="call module.requires_grad_(True), or set it for the parameters that are trained",
        )
    for name, p in named:
        if p.is_complex():
            raise InputError(
                "every trainable parameter must be real",
                received=f"{name} of type {p.dtype}",
                cause="complex weights, for which the kernel depends on a convention",
                fix="keep real and imaginary parts as two parameters and join them in forward",
            )
    _one_of("precision", [(name, p.dtype) for name, p in named], "module.double() or .float()")
    dtype = named[0][1].dtype
    if dtype not in (torch.float32, torch.float64):
        raise InputError(
            "parameters must have single or double precision",
            received=str(dtype),
            cause="weights kept in half precision; small eigenvalues of the kernel would be noise",
            fix="convert a copy: copy.deepcopy(module).float()",
        )
    _one_of("device", [(name, p.device) for name, p in named], "module.to(device)")
    return dtype, named[0][1].device


def _one_of(what: str, found: Sequence[tuple[str, Any]], fix: str) -> None:
    kinds: dict[Any, str] = {}
    for name, kind in found:
        kinds.setdefault(kind, name)
    if len(kinds) > 1:
        raise InputError(
            f"all trainable parameters must have one {what}",
            received=", ".join(f"{name} {kind}" for kind, name in kinds.items()),
            cause=f"a part of the module was converted to another {what}",
            fix=f"convert all of it with {fix}",
        )


def as_inputs(name: str, x: Any, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Examples along the first axis: NumPy is converted, tensors must fit."""
    if isinstance(x, torch.Tensor):
        if x.is_floating_point() and x.dtype != dtype:
            raise InputError(
                f"{name} must have the precision of the parameters",
                received=f"{name} {x.dtype}, parameters {dtype}",
                cause="mixed precision between data and parameters",
                fix=f"pass {name}.to({dtype}), or a NumPy array, which is converted",
            )
        if x.device != device:
            raise InputError(
                f"{name} must be on the device of the parameters",
                received=f"{name} on {x.device}, parameters on {device}",
                cause="a part was moved and the rest was not",
                fix=f"pass {name}.to({str(device)!r}), or a NumPy array, which is moved",
            )
        tensor = x.detach().clone() if x.is_inference() else x.detach()
    else:
        tensor = _from_numpy(name, x).to(device)
    if tensor.dim() == 0 or len(tensor) == 0:
        raise InputError(
            f"{name} must hold at least one example along its first axis",
            received=f"shape {tuple(tensor.shape)}",
            cause="a single example without batch axis, or an empty selection",
            fix="pass an array (n, ...), for one example x[None]",
        )
    if tensor.is_complex():
        raise _not_numbers(name, str(tensor.dtype))
    if tensor.is_floating_point():
        tensor = tensor.to(dtype)
        if not bool(torch.isfinite(tensor).all()):
            check_array(name, tensor.double().cpu().numpy())
    return tensor


def _from_numpy(name: str, x: Any) -> torch.Tensor:
    array = np.asarray(x) if hasattr(x, "dtype") else check_array(name, x)
    if array.dtype.kind not in "biuf":
        raise _not_numbers(name, str(array.dtype))
    array = check_array(name, x)
    return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("=")))


def _not_numbers(name: str, received: str) -> InputError:
    return InputError(
        f"{name} must hold real numbers or integers",
        received=f"type {received}",
        cause="text, objects or complex numbers among the data",
        fix="encode the examples as real numbers or integer tokens",
    )


def check_alike(x1: torch.Tensor, x2: torch.Tensor) -> None:
    """Two sets of examples of one kind."""
    if x1.shape[1:] != x2.shape[1:] or x1.dtype != x2.dtype:
        raise InputError(
            "x1 and x2 must hold examples of one shape and type",
            received=f"x1 {x1.dtype}{list(x1.shape)}, x2 {x2.dtype}{list(x2.shape)}",
            cause="one of them misses its batch axis, or was preprocessed differently",
            fix="give both as (n, ...) with the same trailing shape",
        )


def check_outputs(out: Any, num_examples: int) -> torch.Tensor:
    """Outputs (n, C) of real numbers."""
    if not isinstance(out, torch.Tensor) or out.dim() != 2 or len(out) != num_examples:
        shape = tuple(out.shape) if isinstance(out, torch.Tensor) else type(out).__name__
        raise InputError(
            "a module must return outputs of shape (n, C)",
            received=f"{shape} for {num_examples} examples",
            cause="a scalar output without its axis, several outputs, extra axes, or a loss instead of "
            "outputs",
            fix="wrap it in a module that returns (n, C), for instance f[:, None] or f.flatten(1)",
        )
    if not out.shape[1]:
        raise InputError(
            "a module must return at least one output",
            received=f"shape {tuple(out.shape)}",
            cause="an empty selection of outputs",
            fix="keep the outputs whose training is meant",
        )
    if not out.is_floating_point():
        raise InputError(
            "a module must return real numbers",
            received=f"outputs of type {out.dtype}",
            cause="predicted classes instead of real outputs",
            fix="return the real outputs before argmax",
        )
    return out


def does_not_run(x: torch.Tensor, error: Exception) -> InputError:
    """The refusal of inputs that the module cannot take."""
    line = (str(error).strip().splitlines() or [""])[0][:200]
    return InputError(
        "a module must accept a batch of examples as its only input",
        received=f"x of shape {tuple(x.shape)} and type {x.dtype}; forward raised "
        f"{type(error).__name__}: {line}",
        cause="x of the wrong shape or type, a batch size written into forward, or further inputs",
        fix="check that module(x[:1]) and module(x[:2]) run; wrap further inputs into a module",
    )


def independent() -> InputError:
    """The refusal of outputs that no trainable parameter reaches."""
    return InputError(
        "outputs must depend on the trainable parameters",
        received="outputs without a gradient",
        cause="torch.no_grad or detach inside the module, or trainable parameters that are not used",
        fix="let the gradient flow from the outputs to the parameters",
    )


def overwritten(kind: str) -> InputError:
    """The refusal of a module that cannot be differentiated, since it changes what was used."""
    return InputError(
        "what a weight was applied to must not be overwritten afterwards",
        received=f"an operation in place on the input of a {kind} use of a weight",
        cause="x += .., x.zero_() or inplace=True after a layer that x went into; training would fail too",
        fix="write x = x + .., or leave out inplace=True there",
    )


def overwritten_on_the_way(message: str) -> InputError:
    """The refusal of a module that PyTorch itself cannot differentiate for the same reason."""
    return InputError(
        "what the backward pass needs must not be overwritten",
        received=f"{message.strip().splitlines()[0][:160]}",
        cause="an operation in place (x += .., inplace=True, x[:, 0] = ..) on numbers that an earlier "
        "operation keeps for its derivative; training fails too",
        fix="write x = x + .., or call x = x.clone() before writing into it",
    )


def reentrant_checkpoint() -> InputError:
    """The refusal of checkpoints that hide their parameters from the graph."""
    return InputError(
        "every parameter must be reached by torch.autograd.grad",
        received="a checkpoint with use_reentrant=True",
        cause="the older form of torch.utils.checkpoint, which only knows backward()",
        fix="call checkpoint(.., use_reentrant=False)",
    )
