"""Was this PyTorch network lazy? Watch an ordinary training loop from inside.

    python examples/pytorch_mlp.py

Handwritten digits, plain gradient descent, twice the same layers drawn by He's rule. In the second run
the last layer starts small, so that the others have to move.
"""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

import lazyscope.torch as lazyscope

torch.set_num_threads(1)  # tensors are small
POINTS, STEPS, WIDTH = 48, 120, 384


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Images of norm one, and centred one-hot targets."""
    data = load_digits()
    x = data.data[:POINTS] / np.linalg.norm(data.data[:POINTS], axis=1, keepdims=True)
    return torch.tensor(x, dtype=torch.float32), torch.eye(10)[data.target[:POINTS]] - 0.1


def network(output_scale: float) -> nn.Module:
    """Three layers with variance 2 / fan-in; `output_scale` multiplies the last one."""
    torch.manual_seed(0)
    sizes = [(64, WIDTH), (WIDTH, WIDTH), (WIDTH, 10)]
    layers = [nn.Linear(*size, bias=False) for size in sizes]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    with torch.no_grad():
        layers[-1].weight.mul_(output_scale)
    return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])


def train(module: nn.Module, x: torch.Tensor, y: torch.Tensor, step: float) -> lazyscope.Observer:
    """Plain gradient descent on R = |f - y|^2 / (2n), with an observer beside it."""
    observer = lazyscope.Observer(module, x[:16], y[:16])
    optimizer = torch.optim.SGD(module.parameters(), lr=step)
    for number in range(1, STEPS + 1):
        optimizer.zero_grad()
        loss = (module(x) - y).square().sum() / (2 * len(x))
        loss.backward()
        optimizer.step()
        if observer.due(number):
            observer.observe(step=number, loss=loss)
    observer.observe(step=STEPS, loss=loss)
    return observer


def main() -> None:
    """Forecast, train, and compare."""
    x, y = digits()
    for name, scale in (("He's rule, last layer times 2.5", 2.5), ("last layer times 0.05", 0.05)):
        module = network(scale)
        seen = lazyscope.forecast(module, x, y, stop=0.1)
        step = 0.25 * seen.max_stable_step
        observer = train(module, x, y, step)
        summary = observer.record.summary()
        print(f"\n{name}: {summary['verdict']}")
        print(f"  largest stable step by the forecast  {seen.max_stable_step:.3g}, used {step:.3g}")
        print(f"  loss on the probe points             {summary['probe_loss']['initial']:.3f} -> "
              f"{summary['probe_loss']['final']:.4f}")  # fmt: skip
        sizes = summary["displacement"]["operator"], summary["displacement"]["frobenius"]
        for group, operator, frobenius, said in zip(
            summary["groups"], *sizes, seen.displacement, strict=True
        ):
            print(f"  {group} moved by           {100 * operator:6.1f} %, "
                  f"in Frobenius norm {100 * frobenius:.1f} % "
                  f"(forecast for a tenth of the loss: {100 * said:.1f} %)")  # fmt: skip
        print(f"  the kernel changed by                {100 * summary['kernel_change']:6.1f} %")
        print(f"  ReLU units that switched             {100 * summary['flipped']:6.1f} %")
        print(f"  off the linearised network by        {100 * summary['linearisation_share']:6.1f} % "
              "of the way the outputs went")  # fmt: skip
        print(f"  time for looking                     {100 * observer.share:6.1f} % of training")


if __name__ == "__main__":
    main()
