"""What happens to a PyTorch CNN that trains as one usually does: Adam, minibatches, batch norm, dropout?

    python examples/pytorch_cnn.py

The module is not changed for this. Its kernel is the one of evaluation mode, in which the running mean
and variance of batch norm are held fixed and dropout is off. These numbers start at 0 and 1, which says
nothing of the data; a few batches before the observer is made give it a start worth comparing with.
"""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

import lazyscope.torch as lazyscope
from lazyscope.observe import Cadence

torch.set_num_threads(1)  # tensors are small
EPOCHS, BATCH = 5, 64


def network() -> nn.Module:
    """Two convolutions with batch norm, dropout, and a linear readout."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(32, 10),
    )


def main() -> None:
    """Explain the kernel, train with an observer beside it, and say what moved."""
    data = load_digits()
    images = torch.tensor(data.images[:, None] / 16.0, dtype=torch.float32)
    labels = torch.tensor(data.target)
    train, test = slice(0, 1400), slice(1400, None)
    probe = images[test][:16]
    targets = functional.one_hot(labels[test][:16], 10) - 0.1

    module = network()
    with torch.no_grad():
        for batch in images[train].split(100):
            module(batch)
    print("How the kernel of each parameter is computed:")
    print(lazyscope.explain_tangent_kernel(module.eval(), probe))
    before = np.trace(lazyscope.tangent_kernel(module, probe), axis1=2, axis2=3)

    # A look costs as much as several steps of so small a network: more than the usual 5 % of the time.
    observer = lazyscope.Observer(module, probe, targets, cadence=Cadence(per_decade=4, share=0.3))
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    step = 0
    for _ in range(EPOCHS):
        module.train()
        order = torch.randperm(1400)
        for batch in order.split(BATCH):
            optimizer.zero_grad()
            loss = functional.cross_entropy(module(images[train][batch]), labels[train][batch])
            loss.backward()
            optimizer.step()
            step += 1
            if observer.due(step):
                observer.observe(step=step, loss=loss)
    observer.observe(step=step, loss=loss)

    with torch.no_grad():
        right = (module.eval()(images[test]).argmax(1) == labels[test]).float().mean()
    summary = observer.record.summary()
    print(
        f"\nAfter {step} steps of Adam: {summary['verdict']}, {100 * right:.1f} % of the test images right"
    )
    print("  step   kernel change   alignment with the targets   switched units")
    for look in observer.record.looks:
        seen = look.measurement
        print(f"  {look.step:4d}   {seen.kernel_change:13.2f}   {seen.target_alignment:26.3f}   "
              f"{100 * seen.flipped:12.1f} %")  # fmt: skip
    for group, moved in zip(summary["groups"], summary["displacement"]["frobenius"], strict=True):
        print(f"  {group} moved by {100 * moved:6.1f} % (Frobenius norm)")
    after = np.trace(lazyscope.tangent_kernel(module, probe), axis1=2, axis2=3)
    growth = np.linalg.norm(after, 2) / np.linalg.norm(before, 2)
    print(f"  largest eigenvalue of the kernel: {growth:.1f} times that of the start")
    for note in summary["notes"]:
        print(f"  note: {note}")


if __name__ == "__main__":
    main()
