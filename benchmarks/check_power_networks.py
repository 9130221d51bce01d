"""Which transformer does a coordinate check have to judge, done right and broken in six ways?"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

Fault = Literal["none", "multiplier", "rate", "readout", "embedding", "attention", "decay"]
FAULTS: tuple[Fault, ...] = (
    "multiplier",
    "rate",
    "readout",
    "embedding",
    "attention",
    "decay",
)
"""Readout multiplier forgotten, rate of hidden layers not scaled, init of the readout too large, embedding
scaled, 1/sqrt(d) for 1/d, weight decay coupled to the rate."""

BASE = 32
HEADS = 4
VOCABULARY = 24
LENGTH = 6
RATE = 2e-3
DECAY = 0.1


@dataclass(frozen=True)
class Recipe:
    """How the transformer is written.

    Attributes:
        fault: what is wrong with it.
        strength: 1, or less for a fault with that share of its power of the width.
        zero_readout: whether its readout starts at zero.
        zero_queries: whether its queries start at zero.
        zero_outputs: whether what branches write starts at zero.
    """

    fault: Fault = "none"
    strength: float = 1.0
    zero_readout: bool = False
    zero_queries: bool = False
    zero_outputs: bool = False

    def power(self, fault: Fault) -> float:
        """Share of the power of the width that this fault has here; 0 where it is another or none."""
        return self.strength if self.fault == fault else 0.0


class Block(nn.Module):
    """Attention and a layer of units, each behind a layer norm."""

    def __init__(self, width: int, recipe: Recipe) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.query, self.key, self.value, self.out = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)
        head = width // HEADS
        base = BASE / HEADS
        self.scale = base**-0.5 * (head / base) ** (recipe.power("attention") / 2 - 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Residual stream to residual stream."""
        n, t, m = x.shape
        normed = self.norms[0](x)
        q, k, v = (
            each(normed).view(n, t, HEADS, m // HEADS).transpose(1, 2)
            for each in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=self.scale)
        x = x + self.out(mixed.transpose(1, 2).reshape(n, t, m))
        return x + self.down(functional.gelu(self.up(self.norms[1](x))))


class Transformer(nn.Module):
    """Two blocks between an embedding and a readout."""

    def __init__(self, width: int, recipe: Recipe) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, width)
        self.places = nn.Embedding(LENGTH, width)
        self.blocks = nn.ModuleList(Block(width, recipe) for _ in range(2))
        self.norm = nn.LayerNorm(width)
        self.readout = nn.Linear(width, VOCABULARY, bias=False)
        self.stretch = (width / BASE) ** (recipe.power("embedding") / 2)
        self.multiplier = (width / BASE) ** (recipe.power("multiplier") - 1)
        self._draw(width, recipe)

    def _draw(self, width: int, recipe: Recipe) -> None:
        for name, p in self.named_parameters():
            if p.dim() == 2 and "blocks" in name:
                nn.init.normal_(p, std=p.shape[1] ** -0.5)
        large = (width / BASE) ** (recipe.power("readout") / 2)
        nn.init.normal_(self.readout.weight, std=BASE**-0.5 * large)
        if recipe.zero_readout:
            nn.init.zeros_(self.readout.weight)
        for each in self.blocks:
            assert isinstance(each, Block)
            if recipe.zero_queries:
                nn.init.zeros_(each.query.weight)
            if recipe.zero_outputs:
                nn.init.zeros_(each.out.weight)
                nn.init.zeros_(each.down.weight)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits (n, T, V) of the next token."""
        places = torch.arange(tokens.shape[1])
        x = (self.tokens(tokens) + self.places(places)) * self.stretch
        for block in self.blocks:
            x = block(x)
        return self.readout(self.norm(x)) * self.multiplier


def transformer(width: int, seed: int, recipe: Recipe = Recipe()) -> Transformer:
    """One of a width, drawn with a seed."""
    torch.manual_seed(seed)
    return Transformer(width, recipe)


def optimiser(module: Transformer, recipe: Recipe = Recipe()) -> torch.optim.Optimizer:
    """AdamW with the rates of muP: matrices of the blocks 1 / width, all others one."""
    ratio = module.norm.weight.shape[0] / BASE
    hidden = [p for n, p in module.named_parameters() if p.dim() == 2 and "blocks" in n]
    known = {id(p) for p in hidden}
    others = [p for p in module.parameters() if id(p) not in known]
    slow = ratio ** (1 - recipe.power("rate"))
    decay = DECAY * slow * ratio ** -recipe.power("decay")
    groups = [
        {"params": others, "lr": RATE, "weight_decay": DECAY},
        {"params": hidden, "lr": RATE / slow, "weight_decay": decay},
    ]
    return torch.optim.AdamW(groups)


def tokens(seed: int, count: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences of tokens and what follows each."""
    draw = torch.Generator().manual_seed(seed)
    text = torch.randint(0, VOCABULARY, (count, LENGTH + 1), generator=draw)
    return text[:, :-1], text[:, 1:]
