"""Where does the initialization rate put a transformer, and what does training do to it there?

    python examples/gamma_dial.py

The dial of arXiv 2606.17945: matrices start with the standard deviation fan_in^-gamma, so that each has
the scale exponent a = 1/2 - gamma (the fan-in of an embedding, its letters, does not grow: it has 1/2).
Large gamma is a small start. Three answers for every gamma, under AdamW with one learning rate:

1. exponents alone, of the two paths from the residual stream to the logits: past all blocks
   (embedding, readout), where the norm takes back whatever size the stream has, and through one
   (embedding, value, proj, readout): rho of kappa, and the regime of every layer;
2. `coordinate_check` of the character-level transformer itself: rho as measured, and which power of the width
   every block adds to what it writes in one step;
3. a short run: how far every block moved, and in how many dimensions rows of the embedding and of queries
   and keys lie (participation ratio), before and after: fewer after is condensation.
"""

import numpy as np
import torch
from characters import Transformer, batch  # the same network and text
from torch import nn
from torch.nn import functional

from lazyscope import coordinate_check
from lazyscope.measure import condensation
from lazyscope.scaling import from_abc, regime_report

torch.set_num_threads(1)  # tensors are small
GAMMAS, WIDTH, STEPS, RATE = (0.3, 0.5, 0.8, 1.1), 64, 150, 3e-3
WIDTHS, SEEDS = (16, 32, 64, 128), 3
MATRICES = {
    "attention": ("qkv.weight", "proj.weight"),
    "MLP": ("up.weight", "down.weight"),
}


def dialled(width: int, gamma: float, seed: int) -> nn.Module:
    """The transformer of characters.py with every matrix drawn anew."""
    torch.manual_seed(seed)
    model = Transformer(width)
    for name, p in model.named_parameters():
        if p.dim() == 2:
            letters = "tokens" in name or "places" in name
            nn.init.normal_(p, std=float(p.shape[0] if letters else p.shape[1]) ** -gamma)
    return model


def adamw(model: nn.Module) -> torch.optim.Optimizer:
    """One rate for everything."""
    return torch.optim.AdamW(model.parameters(), lr=RATE)


def alone(gamma: float) -> None:
    """What exponents say: of a row of matrices, entries m^-gamma where the fan-in grows."""
    for path in (("embedding", "readout"), ("embedding", "value", "proj", "readout")):
        weights = [0.0] + [gamma] * (len(path) - 1)
        scheme = from_abc([0.0] * len(path), weights, 0.0, optimiser="adam")
        told = regime_report(scheme)
        layers = ", ".join(
            f"{name} {regime}" for name, regime in zip(path, told["layer_regimes"], strict=True)
        )
        print(f"  rho {told['kappa_exponent']:+.1f}, {told['regime']}: {layers}")


def checked(gamma: float) -> None:
    """What the transformer shows over four widths."""
    check = coordinate_check(
        lambda width, seed: dialled(width, gamma, seed),
        batch(4),
        WIDTHS,
        SEEDS,
        steps=1,
        train=adamw,
        loss="cross-entropy",
    )
    kappa = check.exponents.kappa
    low, high = kappa.interval
    print(f"  measured rho {kappa.exponent:+.2f} [{low:+.2f}, {high:+.2f}], past all blocks")
    names = [array.name for array in check.arrays]
    for block in (0, 1):
        found = {
            part: np.mean(
                [check.exponents.own[names.index(f"blocks.{block}.{end}")].exponent for end in ends]
            )
            for part, ends in MATRICES.items()
        }
        told = ", ".join(f"{part} m^{power:+.2f}" for part, power in found.items())
        print(f"  block {block}, change of what it writes in a step: {told}")


def dimensions(model: nn.Module) -> dict[str, float]:
    """In how many dimensions rows lie: letters, and units of queries and keys in both blocks."""
    qkv = [block.qkv.weight.detach()[: 2 * WIDTH] for block in model.blocks]
    rows = {"embedding": model.tokens.weight.detach(), "query-key": torch.cat(qkv)}
    return {
        name: condensation(each.numpy(), num_null=8).effective_dimensions.value
        for name, each in rows.items()
    }


def trained(gamma: float) -> None:
    """A short run at one width."""
    model = dialled(WIDTH, gamma, 0)
    start = {name: p.detach().clone() for name, p in model.named_parameters()}
    before, optimizer = dimensions(model), adamw(model)
    for _ in range(STEPS):
        x, y = batch(32)
        loss = functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    moved = []
    for block in (0, 1):
        own = [n for n, p in start.items() if n.startswith(f"blocks.{block}.") and p.dim() == 2]
        now = dict(model.named_parameters())
        change = sum(float((now[n].detach() - start[n]).square().sum()) for n in own)
        moved.append((change / sum(float(start[n].square().sum()) for n in own)) ** 0.5)
    after = dimensions(model)
    told = ", ".join(f"{name} {before[name]:.1f} to {after[name]:.1f}" for name in before)
    print(f"  after {STEPS} steps: loss {loss:.2f}, blocks moved by {moved[0]:.2f}, {moved[1]:.2f}")
    print(f"  dimensions of rows: {told}")


def main() -> None:
    """Turn the dial."""
    for gamma in GAMMAS:
        print(f"gamma {gamma}:")
        alone(gamma)
        checked(gamma)
        trained(gamma)


if __name__ == "__main__":
    main()
