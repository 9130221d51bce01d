"""Modules of every kind that parameters are used in, with inputs and what should fall back."""

import math
import warnings
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint


class Case(NamedTuple):
    """A module in double precision, five examples, and the parameters that fall back."""

    module: nn.Module
    x: torch.Tensor
    fallbacks: tuple[str, ...] = ()


def points(*shape, seed=0):
    """Gaussian numbers by NumPy."""
    return torch.from_numpy(np.random.default_rng([seed, *shape]).normal(size=shape))


def array(*shape, seed=1):
    return nn.Parameter(points(*shape, seed=seed) / math.sqrt(shape[0]))


def tokens(n, length, size):
    return torch.from_numpy(np.random.default_rng(n).integers(0, size, (n, length)))


class Function(nn.Module):
    """A module from named parameters and a function of itself and x."""

    def __init__(self, function, **parameters):
        super().__init__()
        self.function = function
        for name, value in parameters.items():
            setattr(self, name, value)

    def forward(self, x):
        return self.function(self, x)


class Language(nn.Module):
    """Token and position embeddings, an encoder block, and the token table as readout."""

    def __init__(self, batch_first=True):
        super().__init__()
        self.batch_first = batch_first
        self.tokens = nn.Embedding(11, 8, padding_idx=0)
        self.positions = nn.Embedding(6, 8)
        self.block = nn.TransformerEncoderLayer(
            8, 2, 16, dropout=0.0, batch_first=batch_first, norm_first=batch_first
        )
        self.readout = nn.Linear(8, 11, bias=False)
        self.readout.weight = self.tokens.weight

    def forward(self, t):
        h = self.tokens(t) + self.positions(torch.arange(t.shape[1], device=t.device))
        h = h if self.batch_first else h.transpose(0, 1)
        h = self.block(h)
        h = h if self.batch_first else h.transpose(0, 1)
        return self.readout(h.mean(1))[:, :3]


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.LSTM(3, 4, batch_first=True)
        self.readout = nn.Linear(4, 2)

    def forward(self, x):
        return self.readout(self.inner(x)[0][:, -1])


class Squared(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return (x @ weight) ** 2

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        g = 2 * g * (x @ weight)
        return g @ weight.T, x.T @ g


def convolutional():
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, stride=2),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 6, (3, 2), dilation=(1, 2), groups=2, padding=(0, 1)),
        nn.GroupNorm(2, 6),
        nn.LeakyReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 2),
    ).eval()


def merged(order):
    """Examples and positions in one axis, each example together or interleaved."""

    def forward(self, x):
        n, t, d = x.shape
        if order == "major":
            return torch.relu(self.inner(x.reshape(n * t, d))).reshape(n, t, -1).sum(1)
        h = torch.relu(self.inner(x.transpose(0, 1).reshape(t * n, d)))
        return h.reshape(t, n, -1).sum(0)

    return Function(forward, inner=nn.Linear(3, 2))


def scripted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated, and still around
        inner = torch.jit.trace(nn.Linear(4, 2).double(), points(2, 4))
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), inner)


def tied_and_hidden():
    """One weight seen in the open and within a function of its own derivative."""

    def forward(self, x):
        return Squared.apply(x @ self.w, self.w)[:, :2]

    return Function(forward, w=array(3, 3))


def forces(self, x):
    """Minus the gradient of an energy, as in molecular models."""
    x = x.detach().clone().requires_grad_()
    return -torch.autograd.grad(self.energy(x).sum(), x, create_graph=True)[0]


def partly_frozen():
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    module[0].weight.requires_grad_(False)
    return module


X, SEQUENCE, IMAGES = points(5, 3), points(5, 4, 3), points(5, 2, 8, 8)

BUILDERS = {
    "dense": lambda: Case(
        nn.Sequential(nn.Linear(3, 7), nn.ReLU(inplace=True), nn.Linear(7, 7), nn.Tanh(),
                      nn.Linear(7, 2)), X),
    "sequence": lambda: Case(
        nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.LayerNorm(4), nn.Flatten(),
                      nn.Linear(16, 2)), SEQUENCE),
    "convolutional": lambda: Case(convolutional(), IMAGES),
    "convolution_1d": lambda: Case(
        nn.Sequential(nn.Conv1d(2, 4, 5, dilation=2, padding="same"), nn.GELU(), nn.Flatten(),
                      nn.Linear(32, 2)), points(5, 2, 8)),
    "pooled": lambda: Case(
        nn.Sequential(nn.Conv2d(2, 3, 3), nn.SiLU(), nn.MaxPool2d(2), nn.AdaptiveMaxPool2d(2),
                      nn.Flatten(), nn.Softmax(1), nn.Linear(12, 2), nn.Softplus()), IMAGES),
    "circular": lambda: Case(
        nn.Sequential(nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), nn.Tanh(),
                      nn.Flatten(), nn.Linear(192, 1)), IMAGES),
    "language": lambda: Case(Language(), tokens(5, 6, 11)),
    "language_sequence_first": lambda: Case(Language(batch_first=False), tokens(5, 6, 11)),
    "recurrent": lambda: Case(
        Recurrent(), SEQUENCE,
        ("inner.weight_ih_l0", "inner.weight_hh_l0", "inner.bias_ih_l0", "inner.bias_hh_l0")),
    "scaled": lambda: Case(
        Function(lambda s, x: torch.relu(x @ (s.a / 3**0.5) + s.b) @ s.c.T * 0.5 - s.d,
                 a=array(3, 6), b=array(6), c=array(2, 6), d=array(2)), X),
    "left_factor": lambda: Case(
        Function(lambda s, x: torch.tanh(s.a @ x).mT @ s.v, a=array(5, 4), v=array(5)),
        points(5, 4, 2)),
    "heads": lambda: Case(
        Function(lambda s, x: torch.sin(x @ s.w).sum((1, 2)), w=array(2, 3, 2)),
        points(5, 2, 4, 3)),
    "per_channel": lambda: Case(
        Function(lambda s, x: (x * s.g + s.p).sin().sum(1), g=array(3), p=array(1, 4, 3)),
        SEQUENCE),
    "repeated": lambda: Case(
        Function(lambda s, x: s.out(torch.tanh(s.inner(torch.tanh(s.inner(x))))),
                 inner=nn.Linear(3, 3), out=nn.Linear(3, 2)), X),
    "autoencoder": lambda: Case(
        Function(lambda s, x: functional.linear(torch.tanh(functional.linear(x, s.w)), s.w.t()),
                 w=array(4, 3)), X),
    "parts": lambda: Case(
        Function(lambda s, x: functional.linear(torch.tanh(x @ s.w[:3]), s.w[3:].mT),
                 w=array(6, 3)), X),
    "overlapping": lambda: Case(
        Function(lambda s, x: torch.tanh(x[:, :2] @ s.w[:2]) + x[:, 1:] @ s.w[1:], w=array(3, 2)),
        X),
    "merged": lambda: Case(merged("major"), SEQUENCE),
    "interleaved": lambda: Case(merged("minor"), SEQUENCE),
    "weight_norm": lambda: Case(
        nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)), nn.Tanh(),
                      nn.Linear(4, 2)), X,
        ("0.parametrizations.weight.original0", "0.parametrizations.weight.original1")),
    "masked": lambda: Case(
        Function(lambda s, x: x @ (s.w * torch.eye(3, dtype=x.dtype)), w=array(3, 3)), X, ("w",)),
    "slope": lambda: Case(
        nn.Sequential(nn.Linear(3, 4), nn.PReLU(), nn.Linear(4, 2)), X, ("1.weight",)),
    "own_derivative": lambda: Case(
        Function(lambda s, x: Squared.apply(s.inner(x), s.w), inner=nn.Linear(3, 4),
                 w=array(4, 2)), X, ("w",)),
    "tied_and_hidden": lambda: Case(tied_and_hidden(), X, ("w",)),
    "script": lambda: Case(scripted(), X, ("2.weight", "2.bias")),
    "checkpointed": lambda: Case(
        Function(lambda s, x: s.b(checkpoint(s.a, x, use_reentrant=False).sin()),
                 a=nn.Linear(3, 4), b=nn.Linear(4, 2)), X),
    "transposed_convolution": lambda: Case(
        nn.Sequential(nn.ConvTranspose2d(2, 3, 3, stride=2), nn.Tanh(), nn.AdaptiveAvgPool2d(1),
                      nn.Flatten()), IMAGES, ("0.weight", "0.bias")),
    "instance_norm": lambda: Case(
        nn.Sequential(nn.Conv2d(2, 3, 3), nn.InstanceNorm2d(3, affine=True), nn.ReLU(),
                      nn.Flatten(), nn.Linear(108, 1)), IMAGES, ("1.weight", "1.bias")),
    "rms_norm": lambda: Case(nn.Sequential(nn.Linear(3, 4), nn.RMSNorm(4)), X),
    "forces": lambda: Case(
        Function(forces, energy=nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))), X,
        ("energy.0.weight", "energy.0.bias", "energy.2.weight", "energy.2.bias")),
    "partly_frozen": lambda: Case(partly_frozen(), X),
    "in_place_sum": lambda: Case(
        Function(lambda s, x: s.inner(x).add_(s.b).relu_() @ s.out, inner=nn.Linear(3, 4),
                 b=array(4), out=array(4, 2)), X),
    "unused": lambda: Case(
        Function(lambda s, x: s.inner(x), inner=nn.Linear(3, 2), spare=nn.Linear(3, 2)), X),
}  # fmt: skip


def case(name):
    """A case of that name, always with the same weights."""
    with torch.random.fork_rng([]):
        torch.manual_seed(7)
        built = BUILDERS[name]()
    module = built.module.double()
    with torch.no_grad(), torch.random.fork_rng([]):
        torch.manual_seed(11)
        for buffer in module.buffers():
            if buffer.is_floating_point():
                buffer.copy_(torch.rand(buffer.shape) + 0.5)
    return built._replace(module=module)
