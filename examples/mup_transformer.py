"""Is this transformer in muP, and if not, what is wrong? Done right, and broken in the six usual ways.

    python examples/mup_transformer.py

The tables of muP for Adam (Yang et al. 2022, arXiv 2203.03466, table 8): matrices between wide layers have
learning rates 1 / width, the readout has a multiplier 1 / width, attention is scaled by 1 / d. Every recipe
breaks one of them. `coordinate_check` draws networks of four widths, trains them with the AdamW below, and
contradicts muP or not, with what to change.
"""

from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn import functional

from lazyscope import coordinate_check

torch.set_num_threads(1)  # tensors are small
BASE, HEADS, VOCABULARY, LENGTH = 32, 4, 24, 6
WIDTHS, SEEDS, STEPS = (32, 64, 128, 256), 4, 1


@dataclass(frozen=True)
class Recipe:
    """Which parts of muP are in place."""

    multiplier: bool = True  # of the readout, 1 / width
    hidden_rate: bool = True  # of matrices between wide layers, 1 / width
    small_readout: bool = True  # initial weights of the readout that do not grow
    plain_embedding: bool = True  # not multiplied by sqrt(width)
    attention: bool = True  # 1 / d rather than 1 / sqrt(d)
    own_decay: bool = True  # rate times decay, which AdamW multiplies, does not depend on the width


RIGHT = Recipe()
BROKEN = {
    "readout multiplier forgotten": replace(RIGHT, multiplier=False),
    "rate of hidden layers not scaled": replace(RIGHT, hidden_rate=False),
    "initial readout too large": replace(RIGHT, small_readout=False),
    "embedding scaled": replace(RIGHT, plain_embedding=False),
    "attention 1/sqrt(d) for 1/d": replace(RIGHT, attention=False),
    "decay coupled to the rate": replace(RIGHT, own_decay=False),
}


class Block(nn.Module):
    """Causal attention and an MLP, each after a layer norm and beside a residual connection."""

    def __init__(self, width: int, recipe: Recipe) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.proj = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        d = width // HEADS
        self.scale = (BASE / HEADS) ** 0.5 / d if recipe.attention else d**-0.5

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        """(n, T, width) to the same."""
        n, t, width = h.shape
        normed = self.norm1(h)
        heads = [
            each(normed).view(n, t, HEADS, -1).transpose(1, 2)
            for each in (self.query, self.key, self.value)
        ]
        mixed = functional.scaled_dot_product_attention(*heads, is_causal=True, scale=self.scale)
        h = h + self.proj(mixed.transpose(1, 2).reshape(n, t, width))
        return h + self.down(functional.gelu(self.up(self.norm2(h))))


class Transformer(nn.Module):
    """Embeddings, two blocks, a norm and a readout: (n, T) tokens to logits (n, T, V)."""

    def __init__(self, width: int, recipe: Recipe) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCABULARY, width), nn.Embedding(LENGTH, width)
        self.blocks = nn.ModuleList(Block(width, recipe) for _ in range(2))
        self.norm = nn.LayerNorm(width)
        self.readout = nn.Linear(width, VOCABULARY, bias=False)
        wide = width / BASE
        self.stretch = 1.0 if recipe.plain_embedding else wide**0.5
        self.multiplier = 1 / wide if recipe.multiplier else 1.0
        for p in hidden_matrices(self):
            nn.init.normal_(p, std=p.shape[1] ** -0.5)
        nn.init.normal_(self.readout.weight, std=BASE**-0.5)
        if not recipe.small_readout:
            with torch.no_grad():
                self.readout.weight *= wide**0.5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of the next token at every position."""
        h = (self.tokens(x) + self.places(torch.arange(x.shape[1]))) * self.stretch
        for block in self.blocks:
            h = block(h)
        return self.readout(self.norm(h)) * self.multiplier


def hidden_matrices(model: nn.Module) -> list[nn.Parameter]:
    """Those with two sides that grow."""
    return [p for name, p in model.named_parameters() if p.dim() == 2 and "blocks" in name]


def adamw(model: nn.Module, width: int, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW with two groups."""
    hidden = hidden_matrices(model)
    known = {id(p) for p in hidden}
    others = [p for p in model.parameters() if id(p) not in known]
    slower = width / BASE if recipe.hidden_rate else 1.0
    decay = 0.1 * slower if recipe.own_decay else 0.1
    return torch.optim.AdamW(
        [
            {"params": others, "lr": 2e-3, "weight_decay": 0.1},
            {"params": hidden, "lr": 2e-3 / slower, "weight_decay": decay},
        ]
    )


def check(recipe: Recipe, data: tuple[torch.Tensor, torch.Tensor]):
    """The check of a recipe, as one would call it in a test of one's own."""

    def build(width: int, seed: int) -> Transformer:
        torch.manual_seed(seed)
        return Transformer(width, recipe)

    return coordinate_check(
        build,
        data,
        WIDTHS,
        SEEDS,
        steps=STEPS,
        train=lambda model, width: adamw(model, width, recipe),
        loss="cross-entropy",
    )


def main() -> None:
    """Judge the right one and the six broken ones."""
    draw = torch.Generator().manual_seed(0)
    text = torch.randint(0, VOCABULARY, (4, LENGTH + 1), generator=draw)
    data = (text[:, :-1], text[:, 1:])
    for name, recipe in {"done right": RIGHT, **BROKEN}.items():
        found = check(recipe, data)
        verdict = found.verdict("mup")
        print(f"{name}: muP is {verdict['answer']}.")
        print(f"    {verdict['sentence']}")
        for change in found.changes_to_mup:
            print(f"    change: {change.what} times m^{change.exponent:g}")


if __name__ == "__main__":
    main()
