"""What do AdamW and Muon do to a character-level transformer, at several widths? Watched from its loop.

    python examples/characters.py

Sentences come from a small grammar with a seed. The model, its loss over all positions and its loop are
written as people write them in PyTorch; the observer looks at the logits of the last position. Then the
records of three widths are joined: which powers of the width moved? Muon is the usual mixture: it takes the
matrices of the blocks, AdamW embeddings, norms, biases and the readout.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import lazyscope.torch as lazyscope
from lazyscope.observe import Cadence, Observations, join_observations

torch.set_num_threads(1)  # tensors are small
CONTEXT, BATCH, STEPS, HEADS, PROBE = 16, 32, 120, 2, 10
WIDTHS, SEEDS = (16, 32, 64), (0, 1)
WORDS = {
    "who": ("a bee", "the seal", "a tall tree", "the last beast"),
    "does": ("sees", "eats", "beats", "tastes"),
}


def text(sentences: int, seed: int = 0) -> str:
    """Sentences "who does who." of the grammar."""
    draw = np.random.default_rng(seed)
    parts = ("who", "does", "who")
    return " ".join(
        " ".join(draw.choice(WORDS[part]) for part in parts) + "." for _ in range(sentences)
    )


TEXT = text(600)
LETTERS = sorted(set(TEXT))
TOKENS = torch.tensor([LETTERS.index(letter) for letter in TEXT])


class Block(nn.Module):
    """Causal attention and an MLP, each after a layer norm and beside a residual connection."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        """(n, T, width) to the same."""
        n, t, width = h.shape
        heads = [
            part.view(n, t, HEADS, -1).transpose(1, 2)
            for part in self.qkv(self.norm1(h)).chunk(3, -1)
        ]
        mixed = functional.scaled_dot_product_attention(*heads, is_causal=True)
        h = h + self.proj(mixed.transpose(1, 2).reshape(n, t, width))
        return h + self.down(functional.gelu(self.up(self.norm2(h))))


class Transformer(nn.Module):
    """Embeddings, two blocks, a norm and a readout: (n, T) tokens to logits (n, T, letters)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(len(LETTERS), width), nn.Embedding(CONTEXT, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(2))
        self.norm, self.readout = nn.LayerNorm(width), nn.Linear(width, len(LETTERS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of the next letter at every position."""
        h = self.tokens(x) + self.places(torch.arange(x.shape[1]))
        for block in self.blocks:
            h = block(h)
        return self.readout(self.norm(h))


class LastPosition(nn.Module):
    """The logits of the last position, (n, letters): what the observer looks at."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One row of logits for each text."""
        return self.model(x)[:, -1]


def layer(name: str) -> str:
    """The layer of a parameter: blocks are told apart, norms go with them."""
    parts = name.split(".")
    return f"{parts[1]} {parts[2]}" if parts[1] == "blocks" else parts[1]


def batch(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Texts, and the same texts one letter on."""
    starts = torch.randint(len(TOKENS) - CONTEXT - 1, (size,))
    rows = starts[:, None] + torch.arange(CONTEXT + 1)
    return TOKENS[rows[:, :-1]], TOKENS[rows[:, 1:]]


def adamw(model: nn.Module) -> list[torch.optim.Optimizer]:
    """One optimiser for everything."""
    return [torch.optim.AdamW(model.parameters(), lr=3e-3)]


def muon(model: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon on the matrices of the blocks, with updates as large as those of AdamW, which takes the rest."""
    named = list(model.named_parameters())
    matrices = [p for name, p in named if p.dim() == 2 and "blocks" in name]
    rest = [p for name, p in named if p.dim() != 2 or "blocks" not in name]
    return [
        torch.optim.Muon(matrices, lr=3e-3, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=3e-3),
    ]


Make = Callable[[nn.Module], Sequence[torch.optim.Optimizer]]


def train(make: Make, width: int, seed: int) -> lazyscope.Observer:
    """Minimise the cross-entropy of all positions, with an observer beside it."""
    torch.manual_seed(seed)
    model = Transformer(width)
    x, y = batch(PROBE)
    observer = lazyscope.Observer(
        LastPosition(model),
        x,
        functional.one_hot(y[:, -1], len(LETTERS)).float(),
        groups=layer,
        loss="cross-entropy",
        cadence=Cadence(steps=STEPS),
    )
    optimizers = make(model)
    for step in range(1, STEPS + 1):
        x, y = batch(BATCH)
        loss = functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
        model.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        if observer.due(step):
            observer.observe(step=step, loss=loss)
    return observer


def look_by_look(record: Observations) -> None:
    """What the observer saw over the training."""
    print(
        "  step   loss   kernel change   sharpness   readout: alignment of its change, directions"
    )
    readout = record.subject.parameters.index("model.readout.weight")
    for look in record.looks:
        seen = look.measurement
        print(
            f"  {look.step:4d}   {look.loss:4.2f}   {seen.kernel_change:13.2f}   "
            f"{seen.sharpness:9.3g}   {seen.update_alignment[readout]:29.2f}   "
            f"{seen.input_rank[readout]:8.1f}"
        )
    summary = record.summary()
    share = summary["observing"]["share"]
    print(f"  verdict: {summary['verdict']}; looking cost {share:.0%} of the training")


def main() -> None:
    """Train three widths with each, show the widest one over its training, and join them all."""
    print(f"{TEXT[:60]}..")
    for name, make in (("AdamW", adamw), ("Muon and AdamW", muon)):
        records = {width: [train(make, width, seed).record for seed in SEEDS] for width in WIDTHS}
        print(f"\n{name}, width {WIDTHS[-1]}, {len(LETTERS)} letters:")
        look_by_look(records[WIDTHS[-1]][0])
        joined = join_observations(records)
        print(f"Exponents of the width after {joined.steps[-1]} steps, with 95 % intervals:")
        found = joined.exponents("group_frobenius")
        first = len(found) - len(joined.groups)
        for k, group in enumerate(joined.groups):
            low, high = found.low[first + k], found.high[first + k]
            power = found.exponent[first + k]
            print(f"  {group:10} moved as m^{power:+.2f} [{low:+.2f}, {high:+.2f}]")


if __name__ == "__main__":
    main()
