"""With narrow widths at hand: does the coordinate check say of 64 to 512 what it says of 256 to 2048?

Ten networks of PyTorch in NTK, standard and muP under gradient descent and Adam, with norms, residual
connections, zero readouts and faults. Verdicts agree where each of the three parametrisations is called the
same (contradicted or not) at both ranges.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from benchmarks.__main__ import RESULTS, machine
from lazyscope.study import coordinate_check

NARROW, WIDE = (64, 128, 256, 512), (256, 512, 1024, 2048)
SEEDS = 3
POINTS, INPUTS, CLASSES, BASE = 16, 24, 8, 64


class Case(NamedTuple):
    """How a network is written.

    Attributes:
        rates: powers of the width in the learning rates of input, hidden layers and readout.
        readout: power in the initial size of the readout.
        optimiser: of PyTorch.
        norm: layer norms before hidden layers and the readout.
        residual: hidden layers beside a connection.
        zero: a readout that starts at zero.
    """

    rates: tuple[float, float, float]
    readout: float
    optimiser: str = "adam"
    norm: bool = False
    residual: bool = False
    zero: bool = False


MUP_ADAM, MUP_SGD = (0.0, -1.0, -1.0), (1.0, 0.0, -1.0)
CASES = {
    "muP, Adam": Case(MUP_ADAM, -1.0),
    "muP, Adam, norms": Case(MUP_ADAM, -1.0, norm=True),
    "muP, Adam, residual": Case(MUP_ADAM, -1.0, norm=True, residual=True),
    "muP, Adam, zero readout": Case(MUP_ADAM, -1.0, zero=True),
    "muP, descent": Case(MUP_SGD, -1.0, "sgd"),
    "standard, Adam": Case((0.0, 0.0, 0.0), -0.5),
    "standard, descent": Case((0.0, 0.0, 0.0), -0.5, "sgd"),
    "NTK, Adam": Case((0.0, -0.5, -0.5), -0.5),
    "rate of hidden layers not scaled": Case((0.0, 0.0, -1.0), -1.0, norm=True),
    "readout too large": Case(MUP_ADAM, -0.5, norm=True, residual=True),
}


class Network(nn.Module):
    """Two hidden matrices between an input and a readout."""

    def __init__(self, width: int, case: Case) -> None:
        super().__init__()
        sizes = ((INPUTS, width), (width, width), (width, width), (width, CLASSES))
        self.layers = nn.ModuleList(nn.Linear(*size, bias=False) for size in sizes)
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=layer.weight.shape[1] ** -0.5)
        with torch.no_grad():
            self.layers[-1].weight *= 0.0 if case.zero else (width / BASE) ** (case.readout + 0.5)
        self.norm = nn.LayerNorm(width, elementwise_affine=False) if case.norm else nn.Identity()
        self.residual = case.residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        first, *hidden, last = self.layers
        h = first(x)
        for layer in hidden:
            branch = layer(nn.functional.relu(self.norm(h))) * 2**0.5
            h = h + branch if self.residual else branch
        return last(nn.functional.relu(self.norm(h)))


def row_of(name: str) -> dict[str, Any]:
    """Both verdicts on one network."""
    case = CASES[name]
    draw = torch.Generator().manual_seed(7)
    x = torch.randn(POINTS, INPUTS, generator=draw)
    y = torch.randint(0, CLASSES, (POINTS,), generator=draw)

    def build(width: int, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return Network(width, case)

    def train(module: nn.Module, width: int) -> torch.optim.Optimizer:
        first, second, third, last = (each.weight for each in module.layers)
        groups = ((first,), (second, third), (last,))
        make: Callable[..., torch.optim.Optimizer]
        make = torch.optim.SGD if case.optimiser == "sgd" else torch.optim.Adam
        lr = 0.1 if case.optimiser == "sgd" else 1e-3
        return make(
            [
                {"params": list(group), "lr": lr * (width / BASE) ** power}
                for group, power in zip(groups, case.rates, strict=True)
            ]
        )

    row: dict[str, Any] = {"network": name}
    told, steps = {}, 2 if case.zero else 1
    for words, widths in (("narrow", NARROW), ("wide", WIDE)):
        began = time.process_time()
        check = coordinate_check(
            build, (x, y), widths, SEEDS, steps=steps, train=train, loss="cross-entropy"
        )
        told[words] = {each.name: each.answer for each in check.judged}
        row[words] = ", ".join(check.schemes) or "none"
        row[f"{words}, rho"] = [*check.exponents.kappa.interval]
        row[f"{words}, processor s"] = round(time.process_time() - began, 1)
    row["answers"] = told
    row["agree"] = all(
        (told["narrow"][k] == "contradicted") == (told["wide"][k] == "contradicted")
        for k in told["wide"]
    )
    return row


def run(names: Sequence[str] = tuple(CASES)) -> dict[str, Any]:
    """All of them."""
    torch.set_num_threads(1)
    return told([row_of(name) for name in names])


def told(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the rows say together."""
    return {
        "narrow": NARROW,
        "wide": WIDE,
        "seeds": SEEDS,
        "asked": "the same verdict on at least nine of ten networks",
        "agreed": f"{sum(row['agree'] for row in rows)} of {len(rows)}",
        "rows": rows,
    }


def main(names: Sequence[str]) -> int:
    """Some networks, kept with those that are there: python -m benchmarks.check_widths NAME .."""
    path = RESULTS / "check_widths.json"
    for name in names or CASES:
        torch.set_num_threads(1)
        row = row_of(name)
        print(row, flush=True)
        rows = json.loads(path.read_text())["rows"] if path.exists() else []
        rows = [each for each in rows if each["network"] != name] + [row]
        report = {"benchmark": "check_widths", "machine": machine(), **told(rows)}
        path.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
