"""Tangent kernel of a PyTorch module from its definition: one example, one output, one gradient at a time.

Hooks on the gradients of parameters are no part of the function: they are off.
"""

import contextlib

import numpy as np
import torch


@contextlib.contextmanager
def without_hooks(parameters):
    hooks = [p._backward_hooks for p in parameters]
    for p in parameters:
        p._backward_hooks = None
    yield
    for p, hook in zip(parameters, hooks, strict=True):
        p._backward_hooks = hook


def jacobian(module, x):
    """Gradients of every output for every example alone, by parameter: name -> (n, C, size)."""
    named = {name: p for name, p in module.named_parameters() if p.requires_grad}
    with without_hooks(list(named.values())):
        return _jacobian(module, x, named)


def _jacobian(module, x, named):
    rows = []
    for one in x:
        out = module(one[None].clone())[0]
        per_output = [
            torch.autograd.grad(value, list(named.values()), retain_graph=True, allow_unused=True)
            if value.requires_grad else [None] * len(named)
            for value in out
        ]  # fmt: skip
        rows.append(
            [
                [np.zeros(p.numel()) if g is None else g.to_dense().numpy().ravel()
                 for p, g in zip(named.values(), gradients, strict=True)]
                for gradients in per_output
            ]
        )  # fmt: skip
    return {
        name: np.array([[gradients[k] for gradients in example] for example in rows])
        for k, name in enumerate(named)
    }


def kernel_by_parameter(module, x1, x2=None):
    """name -> (n1, n2, C, C)."""
    left = jacobian(module, x1)
    right = left if x2 is None else jacobian(module, x2)
    return {name: np.einsum("icp,jkp->ijck", left[name], right[name]) for name in left}


def kernel(module, x1, x2=None):
    """(n1, n2, C, C)."""
    return sum(kernel_by_parameter(module, x1, x2).values())
