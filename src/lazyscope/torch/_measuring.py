"""What is measured of a module at its present parameters?"""

from typing import Any, NamedTuple, final

import jax.numpy as jnp
import numpy as np
import torch

from lazyscope._jax import own_settings
from lazyscope._loss import AbstractLoss
from lazyscope.kernel import as_matrix
from lazyscope.observe import ends_of, sharpness_of
from lazyscope.torch._question import call
from lazyscope.torch.kernel._kernel import Prepared, kernel_of
from lazyscope.torch.kernel._linearised import Push, Start
from lazyscope.torch.steps._norms import operator_norm
from lazyscope.torch.uses._patterns import PatternWatcher, share_flipped


class State(NamedTuple):
    """What of a module at one moment is kept to compare with: kernel (n, n), outputs (n, C), patterns.

    ``curvature`` has what the kernel before its average over outputs says.
    """

    kernel: np.ndarray
    outputs: torch.Tensor
    patterns: list[torch.Tensor]
    curvature: dict[str, float]


@final
class Mixed(torch.nn.Module):
    """A module with its outputs combined: ``f(x) @ mixing``."""

    def __init__(self, inner: torch.nn.Module, mixing: torch.Tensor) -> None:
        super().__init__()
        self.inner = inner
        self.mixing = mixing

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs (n, r)."""
        return self.inner(x) @ self.mixing


def take_state(module: torch.nn.Module, prepared: Prepared, loss: AbstractLoss) -> State:
    """Outputs, patterns and mean kernel at the present parameters; within `state_restored`."""
    watcher = PatternWatcher()
    with watcher:
        outputs = call(module, prepared.question.x1)
    kernel = kernel_of(prepared)
    mean = np.trace(kernel, axis1=2, axis2=3) / kernel.shape[2]
    outputs = outputs.detach().clone()
    mixed = isinstance(prepared.question.module, Mixed)
    curvature = {} if mixed else _curvature(kernel, outputs, prepared.sketch.working_type, loss)
    return State(mean.astype(float), outputs, watcher.patterns, curvature)


def _curvature(
    kernel: np.ndarray, outputs: torch.Tensor, precision: str, loss: AbstractLoss
) -> dict[str, float]:
    """Ends of the spectrum of the kernel (n, n, C, C), and the sharpness of the loss."""
    with own_settings(double=True):
        whole: Any = np.asarray(kernel, float)  # which LAPACK decomposes faster outside of JAX
        ends = ends_of(as_matrix(whole), precision)
        at = jnp.asarray(outputs.double().cpu().numpy())
        found = (*ends, sharpness_of(whole, ends[0], loss, at))
    names = ("largest_eigenvalue", "smallest_eigenvalue", "sharpness")
    return dict(zip(names, map(float, found), strict=True))


def scalars(
    before: State, now: State, y: torch.Tensor | None, loss: AbstractLoss
) -> dict[str, float]:
    """Fields of a `Measurement` that compare two states."""
    change = np.linalg.norm(now.kernel - before.kernel) / _or_nan(np.linalg.norm(before.kernel))
    found = {
        "kernel_change": float(change),
        "kernel_alignment": _cosine(before.kernel, now.kernel),
        "target_alignment": float("nan"),
        "probe_loss": float("nan"),
        "flipped": float("nan"),
        **now.curvature,
    }
    if y is not None:
        targets = y.double().cpu().numpy()
        found["target_alignment"] = _cosine(now.kernel, targets @ targets.T)
        with own_settings(double=True):
            at = (jnp.asarray(each.double().cpu().numpy()) for each in (now.outputs, y))
            found["probe_loss"] = float(loss.value(*at))
    if bool(torch.isfinite(now.outputs).all()):
        found["flipped"] = share_flipped(before.patterns, now.patterns)
    return {name: value if np.isfinite(value) else float("nan") for name, value in found.items()}


def linearisation_scalars(
    module: torch.nn.Module,
    push: Push | None,
    start: Start,
    moved: dict[str, torch.Tensor],
    x: torch.Tensor,
    outputs: torch.Tensor,
    y: torch.Tensor | None,
) -> dict[str, float]:
    """Distance of the outputs from f_0 + J_0 (theta - theta_0); NaN where it cannot be had."""
    found = {"linearisation_gap": float("nan"), "linearisation_share": float("nan")}
    if push is None:
        return found
    before, pushed = push(module, start, moved, x)
    gap = float((outputs - before - pushed).double().norm())
    found["linearisation_share"] = gap / _or_nan(float((outputs - before).double().norm()))
    if y is not None:
        found["linearisation_gap"] = gap / _or_nan(float(y.double().norm()))
    return {name: value if np.isfinite(value) else float("nan") for name, value in found.items()}


def norms(tensors: list[torch.Tensor]) -> tuple[list[float], list[float]]:
    """Frobenius norm of each, and operator norm of the matrices among them, else NaN."""
    frobenius = [float(torch.linalg.vector_norm(t.double())) for t in tensors]
    return frobenius, [operator_norm(t) if t.dim() == 2 else float("nan") for t in tensors]


def _cosine(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.sum(one * two) / _or_nan(np.linalg.norm(one) * np.linalg.norm(two)))


def _or_nan(value: Any) -> float:
    return float(value) or float("nan")
