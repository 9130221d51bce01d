"""Random modules from a grammar: what strangers build, in small, each with what should be said about it.

A module is a chain of blocks between a first and a last layer. Blocks take (n, 4) or (n, 3, 4) and give the
same shape. Every block treats each row on its own, except for those of `MIXING`, which deserve a refusal.
"""

import math
import random
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize

WIDTH, POSITIONS = 4, 3
ROUTED = True
"""Whether blocks are drawn that send rows of a batch different ways (`ROUTING`)."""


class Block(nn.Module):
    """Parts and parameters by name, and a function of itself and x."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.function(self, x)


def linear(rows=WIDTH, columns=WIDTH, *, bias=True):
    return nn.Linear(rows, columns, bias=bias)


def weight(*shape):
    return nn.Parameter(torch.randn(shape) / math.sqrt(shape[0] if shape else 1.0))


def scalar():
    return nn.Parameter(torch.randn(()) * 0.3)


def activation(draw):
    kinds = (nn.Tanh, nn.GELU, nn.ReLU, nn.SiLU, nn.Softplus, nn.PReLU, nn.ELU)
    return draw.choice(kinds)()


def residual(draw):
    return Block(lambda s, x: x + s.f(x), f=nn.Sequential(linear(), activation(draw), linear()))


def shared_layer(draw):
    part = linear()
    return nn.Sequential(part, activation(draw), part)


def three_names(draw):
    part = linear()
    return nn.Sequential(*nn.ModuleList([part] * 3), activation(draw))


def second_name(draw):
    block = Block(lambda s, x: s.b(s.act(s.a(x))), a=linear(), act=activation(draw))
    block.b = block.a
    return block


def shared_norm(draw):
    part = draw.choice((nn.LayerNorm(WIDTH), nn.PReLU()))
    return nn.Sequential(linear(), part, linear(), part)


def tied(draw):
    return Block(lambda s, x: functional.linear(s.act(functional.linear(x, s.w)), s.w.t()),
                 w=weight(5, WIDTH), act=activation(draw))  # fmt: skip


def temperature(draw):
    forms = (
        lambda s, x: s.t.exp() * s.l(x),
        lambda s, x: s.l(x) / (1.5 + s.t),
        lambda s, x: s.l(x) * s.t,
        lambda s, x: s.l(x) + s.t,
        lambda s, x: functional.linear(x, s.l.weight * s.t, s.l.bias),
        lambda s, x: torch.softmax(s.l(x) * s.t, -1),
        lambda s, x: torch.lerp(x, s.l(x), s.t.sigmoid()),
    )
    return Block(draw.choice(forms), t=scalar(), l=linear())


def norm(draw):
    batch = draw.choice(("layer", "rms", "group", "by hand"))
    if batch == "layer":
        return nn.LayerNorm(WIDTH)
    if batch == "rms":
        return nn.RMSNorm(WIDTH, eps=1e-5)
    if batch == "group":
        return Block(lambda s, x: s.n(x.movedim(-1, 1)).movedim(1, -1), n=nn.GroupNorm(2, WIDTH))
    return Block(
        lambda s, x: s.g * x / (x.square().mean(-1, keepdim=True) + 0.1).sqrt(), g=weight(WIDTH)
    )


def batch_norm(draw):
    part = nn.BatchNorm1d(WIDTH)
    with torch.no_grad():
        part.running_mean.copy_(torch.randn(WIDTH) * 0.3)
        part.running_var.copy_(torch.rand(WIDTH) + 0.5)
    return Block(lambda s, x: s.n(x.movedim(-1, 1)).movedim(1, -1), n=part.eval())


def standardised(draw):
    def forward(s, x):
        w = s.w - s.w.mean(1, keepdim=True)
        return functional.linear(x, w / (w.square().mean(1, keepdim=True) + 1e-3).sqrt() * s.g)

    return Block(forward, w=weight(WIDTH, WIDTH), g=scalar())


def hooked(draw):
    block = nn.Sequential(linear(), activation(draw))
    functions = (
        lambda g: g * 0.5,
        torch.zeros_like,
        lambda g: g.clamp(-0.01, 0.01),
        lambda g: None,
    )
    for p in block.parameters():
        p.register_hook(draw.choice(functions))
        p.register_post_accumulate_grad_hook(lambda p: 1 / 0)
    return block


def module_hooks(draw):
    block = nn.Sequential(linear(), activation(draw))
    block[0].register_forward_hook(lambda part, inputs, out: out * 1.5)
    block[0].register_forward_pre_hook(lambda part, inputs: (inputs[0] + 0.1,))
    block[1].register_forward_hook(lambda part, inputs, out: None)
    return block


def cast(draw):
    forms = (
        lambda s, x: functional.linear(x, s.l.weight.to(x.dtype)),
        lambda s, x: functional.linear(x, s.l.weight.type_as(x), s.l.bias.to(x)),
        lambda s, x: s.l(x.to(s.l.weight.dtype)).contiguous(),
        lambda s, x: s.l(x.double()).clone(),
        lambda s, x: functional.linear(x, s.l.weight.to(x.device).clone()),
    )
    return Block(draw.choice(forms), l=linear())


class Symmetric(nn.Module):
    def forward(self, w):
        return w.triu() + w.triu(1).mT


def parametrized(draw):
    part = linear()
    kind = draw.choice(("weight", "spectral", "symmetric", "old weight"))
    if kind == "weight":
        parametrizations.weight_norm(part)
    elif kind == "spectral":
        parametrizations.spectral_norm(part).eval()
    elif kind == "symmetric":
        parametrize.register_parametrization(part, "weight", Symmetric())
    else:
        return Block(lambda s, x: functional.linear(x, s.v * (s.g / s.v.norm(dim=1, keepdim=True))),
                      v=weight(WIDTH, WIDTH), g=weight(WIDTH, 1))  # fmt: skip
    return part


def masked(draw):
    mask = (torch.rand(WIDTH, WIDTH) > 0.4).double()
    return Block(lambda s, x: functional.linear(x, s.w * mask), w=weight(WIDTH, WIDTH))


def functional_within(draw):
    def forward(s, x):
        values = {name: p * 1.5 for name, p in s.f.named_parameters()}
        return functional_call(s.f, values, (x,))

    return Block(forward, f=nn.Sequential(linear(), nn.Tanh()))


def forces(draw):
    def by_func(s, x):
        rows = x.reshape(-1, WIDTH)
        return vmap(grad(lambda z: s.f(z)[0]))(rows).reshape(x.shape)

    def by_autograd(s, x):
        z = x if x.requires_grad else x.detach().clone().requires_grad_()
        return torch.autograd.grad(s.f(z).sum(), z, create_graph=True)[0]

    return Block(
        draw.choice((by_func, by_autograd)), f=nn.Sequential(linear(), nn.Tanh(), linear(WIDTH, 1))
    )


def in_a_list(draw):
    block = Block(lambda s, x: torch.tanh(x @ s.held[0]) @ s.w, w=weight(WIDTH, WIDTH))
    block.held = [block.w]
    return block


def in_a_closure(draw):
    w = weight(WIDTH, WIDTH)
    return Block(lambda s, x: torch.tanh(x @ w.sin()) @ s.w, w=w)


def remembering(draw):
    def forward(s, x):
        s.calls = getattr(s, "calls", 0) + 1
        if not hasattr(s, "ones"):
            s.register_buffer("ones", torch.ones(WIDTH) * 1.5)
        s.last = s.l(x) * s.ones
        return s.last

    return Block(forward, l=linear())


def overwriting(draw):
    return Block(lambda s, x: s.l(x.clone().mul_(1.2)).add_(0.1).tanh_(), l=linear())


def frozen(draw):
    return nn.Sequential(linear().requires_grad_(False), activation(draw), linear())


def einsum(draw):
    return Block(lambda s, x: torch.einsum("...i,io->...o", x, s.w).sin(), w=weight(WIDTH, WIDTH))


def stateful_slices(draw):
    return Block(lambda s, x: torch.tanh(x @ s.w[:WIDTH]) @ s.w[WIDTH:], w=weight(2 * WIDTH, WIDTH))


# Blocks of rows in a sequence (n, 3, 4).


def attention(draw):
    part = nn.MultiheadAttention(WIDTH, 2, batch_first=True)
    return Block(lambda s, x: x + s.a(x, x, x, need_weights=False)[0], a=part)


def attention_by_hand(draw):
    def forward(s, x):
        q, k, v = s.qkv(x).chunk(3, -1)
        return x + torch.softmax(q @ k.mT * s.t.exp(), -1) @ v

    return Block(forward, qkv=linear(WIDTH, 3 * WIDTH, bias=False), t=scalar())


def convolution(draw):
    part = nn.Conv1d(WIDTH, WIDTH, 3, padding=1, groups=draw.choice((1, 2)))
    return Block(lambda s, x: s.c(x.mT).mT, c=part)


def recurrent(draw):
    part = draw.choice((nn.LSTM, nn.GRU))(WIDTH, WIDTH, batch_first=True)
    return Block(lambda s, x: s.r(x)[0], r=part)


def positions(draw):
    return Block(lambda s, x: x + s.p(torch.arange(x.shape[1])), p=nn.Embedding(POSITIONS, WIDTH))


def merged(draw):
    def forward(s, x):
        n, t, d = x.shape
        if s.major:
            return s.l(x.reshape(n * t, d)).reshape(n, t, d)
        return s.l(x.transpose(0, 1).reshape(t * n, d)).reshape(t, n, d).transpose(0, 1)

    block = Block(forward, l=linear())
    block.major = draw.random() < 0.5
    return block


# Rows sent different ways.


def _row(x):
    """One number per row that tells where it goes."""
    return x.flatten(1)[:, 0]


def experts(draw):
    top = draw.choice((1, 2))

    def forward(s, x):
        score = s.r(x if x.dim() == 2 else x.mean(1)).softmax(-1)
        chosen, where = score.topk(top, -1)
        out = torch.zeros_like(x)
        for k, expert in enumerate(s.e):
            rows, slot = (where == k).nonzero(as_tuple=True)
            if len(rows):
                share = chosen[rows, slot].reshape(-1, *[1] * (x.dim() - 1))
                out = out.index_add(0, rows, expert(x[rows]) * share)
        return out

    return Block(forward, r=linear(WIDTH, 3), e=nn.ModuleList(linear() for _ in range(3)))


def heads_by_type(draw):
    def forward(s, x):
        kind = (_row(x) > 0).long()
        out = torch.zeros_like(x)
        for k, head in enumerate(s.h):
            out[kind == k] = head(x[kind == k])
        return out

    return Block(forward, h=nn.ModuleList((linear(), linear())))


def table_by_type(draw):
    def forward(s, x):
        kind = (_row(x) > 0).long()
        return torch.tanh(x) + s.e(kind).reshape(len(x), *[1] * (x.dim() - 2), WIDTH)

    return Block(forward, e=nn.Embedding(2, WIDTH))


def weight_by_type(draw):
    def forward(s, x):
        w = s.w[(_row(x) > 0).long()]
        return torch.einsum("n...i,nio->n...o", x, w)

    return Block(forward, w=weight(2, WIDTH, WIDTH))


def sorted_rows(draw):
    def forward(s, x):
        order = _row(x).argsort()
        return torch.tanh(s.l(x[order]))[order.argsort()]

    return Block(forward, l=linear())


def even_and_odd(draw):
    def forward(s, x):
        out = torch.empty_like(x)
        out[0::2] = s.l(x[0::2])
        out[1::2] = s.l(x[1::2])
        return out

    return Block(forward, l=linear())


def early_exit(draw):
    def forward(s, x):
        go_on = _row(x) > 0
        h = torch.tanh(s.a(x))
        if not go_on.any():
            return h
        out = h.clone()
        out[go_on] = s.b(h[go_on])
        return out

    return Block(forward, a=linear(), b=linear())


def flipped(draw):
    return Block(lambda s, x: torch.tanh(s.l(x.flip(0))).flip(0), l=linear())


# What mixes rows, and deserves a refusal.


def batch_mean(draw):
    return Block(lambda s, x: s.l(x - x.mean(0, keepdim=True)), l=linear())


def batch_statistics(draw):
    return Block(lambda s, x: s.n(x.movedim(-1, 1)).movedim(1, -1),
                 n=nn.BatchNorm1d(WIDTH, track_running_stats=False))  # fmt: skip


def batch_softmax(draw):
    return Block(lambda s, x: s.l(x) * torch.softmax(x, 0), l=linear())


def shifted(draw):
    return Block(lambda s, x: s.l(x + x.roll(1, 0)), l=linear())


def running(draw):
    return Block(lambda s, x: s.l(x).cumsum(0), l=linear())


Maker = Callable[[random.Random], nn.Module]

ROWS: tuple[Maker, ...] = (
    residual, shared_layer, three_names, second_name, shared_norm, tied, temperature, norm, batch_norm,
    standardised, hooked, module_hooks, cast, parametrized, masked, functional_within, forces, in_a_list,
    in_a_closure, remembering, overwriting, frozen, einsum, stateful_slices,
)  # fmt: skip
SEQUENCES: tuple[Maker, ...] = (
    attention, attention_by_hand, convolution, recurrent, positions, merged,
)  # fmt: skip
ROUTING: tuple[Maker, ...] = (
    experts, heads_by_type, table_by_type, weight_by_type, sorted_rows, even_and_odd, early_exit, flipped,
)  # fmt: skip
MIXING: tuple[Maker, ...] = (batch_mean, batch_statistics, batch_softmax, shifted, running)


class Drawn(NamedTuple):
    """A module in double precision with two sets of inputs, its blocks, and whether a refusal is right."""

    module: nn.Module
    x1: torch.Tensor
    x2: torch.Tensor
    blocks: tuple[str, ...]
    mixes: bool


class Chain(nn.Module):
    """Into the width, blocks one after the other, out of it."""

    def __init__(self, first, blocks, last, pooled):
        super().__init__()
        self.first, self.blocks, self.last = first, nn.ModuleList(blocks), last
        self.pooled = pooled

    def forward(self, x):
        h = self.first(x)
        for block in self.blocks:
            h = block(h)
        return self.last(h.mean(1) if self.pooled else h)


def draw_module(seed: int) -> Drawn:
    """The module of that number, always the same."""
    draw = random.Random(seed)
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        sequence = draw.random() < 0.4
        makers = ROWS + (ROUTING if ROUTED else ()) + (SEQUENCES if sequence else ())
        chosen = [draw.choice(makers) for _ in range(draw.choice((1, 2, 2, 3)))]
        mixes = draw.random() < 0.06
        if mixes:
            chosen.insert(draw.randrange(len(chosen) + 1), draw.choice(MIXING))
        blocks = [make(draw) for make in chosen]
        if draw.random() < 0.15:
            blocks.append(blocks[0])
            chosen.append(chosen[0])
        tokens = draw.random() < 0.25
        shape = (POSITIONS,) if sequence else ()
        first = nn.Embedding(7, WIDTH) if tokens else nn.Sequential(linear(3, WIDTH), nn.Tanh())
        last = linear(WIDTH, draw.choice((1, 1, 2, 3)))
        module = Chain(first, blocks, last, sequence).double()
        if tokens:
            x1, x2 = (torch.randint(0, 7, (n, *shape)) for n in (draw.choice((2, 4, 5)), 3))
        else:
            x1, x2 = (torch.randn(n, *shape, 3).double() for n in (draw.choice((1, 4, 5, 6)), 3))
        for p in module.parameters():
            if draw.random() < 0.3:
                p.grad = torch.randn_like(p)
    return Drawn(module, x1, x2, tuple(make.__name__ for make in chosen), mixes)
