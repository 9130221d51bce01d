"""Which PyTorch modules are the kernels timed on?"""

import torch
from torch import nn


class Residual(nn.Module):
    """A stem and a block of two convolutions."""

    def __init__(self, inputs: int, channels: int, outputs: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(inputs, channels, 3, padding=1, bias=False)
        self.a = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.b = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.out = nn.Linear(channels, outputs, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.stem(x)
        h = h + self.b(torch.relu(self.a(torch.relu(h))))
        return self.out(torch.relu(h).mean((2, 3)))


def _dense(inputs: int, width: int, outputs: int) -> nn.Module:
    sizes = [inputs, width, width, width]
    layers: list[nn.Module] = []
    for k in range(3):
        layers += [nn.Linear(sizes[k], sizes[k + 1], bias=False), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, outputs, bias=False))


def dense_large() -> tuple[nn.Module, torch.Tensor]:
    """64 examples, three hidden layers of 1024, one output; 256 would not fit the recipe's memory."""
    return _dense(784, 1024, 1), torch.randn(64, 784)


def dense_ten_outputs() -> tuple[nn.Module, torch.Tensor]:
    """32 examples, three hidden layers of 512, ten outputs."""
    return _dense(784, 512, 10), torch.randn(32, 784)


def small_cnn() -> tuple[nn.Module, torch.Tensor]:
    """32 images 16 x 16 x 3, two convolutions (32 and 64 channels), ten outputs."""
    module = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10, bias=False),
    )
    return module, torch.randn(32, 3, 16, 16)


def residual_block() -> tuple[nn.Module, torch.Tensor]:
    """16 images 8 x 8 x 32, a stem and a block of two convolutions of 128 channels, ten outputs."""
    return Residual(32, 128, 10), torch.randn(16, 32, 8, 8)


def late_stage() -> tuple[nn.Module, torch.Tensor]:
    """8 images 4 x 4 x 64, the same block of 384 channels, ten outputs."""
    return Residual(64, 384, 10), torch.randn(8, 64, 4, 4)


def encoder_block() -> tuple[nn.Module, torch.Tensor]:
    """16 sequences of 16 tokens, one encoder block of width 128, ten outputs."""
    block = nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True)
    module = nn.Sequential(nn.Linear(16, 128), block, nn.AvgPool2d((16, 1)), nn.Flatten())
    return nn.Sequential(module, nn.Linear(128, 10)).eval(), torch.randn(16, 16, 16)


CASES = (dense_large, dense_ten_outputs, small_cnn, residual_block, late_stage, encoder_block)
