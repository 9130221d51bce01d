"""Everything that a call must leave as it was: of a module, its tensors, and the process."""

import random

import numpy as np
import torch


def state(module):
    """Objects, values, gradients, flags, hooks and attributes of a module; random states."""
    tensors = [*module.named_parameters(remove_duplicate=False)]
    tensors += module.named_buffers(remove_duplicate=False)
    return {
        "objects": [(name, t, t.detach().clone(), t.requires_grad) for name, t in tensors],
        "gradients": [(t.grad, None if t.grad is None else t.grad.clone()) for _, t in tensors],
        "hooks": [(t._backward_hooks, dict(t._backward_hooks or {})) for _, t in tensors],
        "parts": [(part, dict(part.__dict__), _contents(part)) for part in module.modules()],
        "random": (torch.get_rng_state(), random.getstate(), np.random.get_state()),  # noqa: NPY002
        "threads": torch.get_num_threads(),
        "gradients on": torch.is_grad_enabled(),
    }


def _contents(part):
    values = {k: v for k, v in part.__dict__.items() if isinstance(v, dict | list)}
    return {k: (list(v), [*(v.values() if isinstance(v, dict) else v)]) for k, v in values.items()}


def whole(before, module):
    """Whether the module is as it was, object by object."""
    return not changes(before, module)


def changes(before, module):
    """What is no longer as it was, by name, with what was before and what is now."""
    now = state(module)
    return {key: (before[key], now[key]) for key in before if not same(before[key], now[key])}


def same(one, two):
    """Equal arrays, and for anything that is no container or number the same object."""
    if isinstance(one, torch.nn.Parameter) or isinstance(two, torch.nn.Parameter):
        return one is two
    if isinstance(one, torch.Tensor) and isinstance(two, torch.Tensor):
        return one is two or torch.equal(one.nan_to_num(), two.nan_to_num())
    if isinstance(one, np.ndarray):
        return np.array_equal(one, two)
    if isinstance(one, dict) and isinstance(two, dict):
        return list(one) == list(two) and all(same(one[k], two[k]) for k in one)
    if isinstance(one, tuple | list):
        return len(one) == len(two) and all(map(same, one, two))
    return one is two or (isinstance(one, int | float | str) and one == two)
