"""What does the coordinate check say of networks of public packages, unmodified, with random weights?

GPT-2 and Llama of transformers, a bottleneck ResNet of torchvision, whose width is that of its groups, and
timm's vision transformer, all under AdamW with one learning rate; and along depth ResNet-18, which has two
blocks in each of its four stages. Each `build` is two lines of a user's.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from lazyscope.study import coordinate_check

SEEDS = 3
VOCABULARY, LENGTH = 32, 8


def gpt2(width: int, seed: int) -> torch.nn.Module:
    """A table that is the readout as well."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    return GPT2LMHeadModel(
        GPT2Config(n_embd=width, n_layer=2, n_head=4, vocab_size=VOCABULARY, n_positions=16)
    )


def llama(width: int, seed: int) -> torch.nn.Module:
    """Rotations, gated layers, and half as many heads of keys."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=width,
            intermediate_size=2 * width,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            vocab_size=VOCABULARY,
        )
    )


def resnet(width: int, seed: int) -> torch.nn.Module:
    """Convolutions and batch norm; only what is inside of blocks grows."""
    from torchvision.models.resnet import Bottleneck, ResNet

    torch.manual_seed(seed)
    return ResNet(Bottleneck, [1, 1, 1, 1], num_classes=10, width_per_group=width)


def resnet18(blocks: int, seed: int) -> torch.nn.Module:
    """So many blocks in every stage: ResNet-18 has two."""
    from torchvision.models.resnet import BasicBlock, ResNet

    torch.manual_seed(seed)
    return ResNet(BasicBlock, [blocks] * 4, num_classes=10)


def vit(width: int, seed: int) -> torch.nn.Module:
    """Patches, a class token and one matrix for queries, keys and values."""
    from timm.models.vision_transformer import VisionTransformer

    torch.manual_seed(seed)
    return VisionTransformer(
        img_size=32, patch_size=8, num_classes=10, embed_dim=width, depth=2, num_heads=4
    )


class Public(NamedTuple):
    """A network, the package that it is from, its widths, whether it reads tokens, and what widths are of."""

    build: Callable[[int, int], torch.nn.Module]
    package: str
    widths: tuple[int, ...]
    tokens: bool
    axis: str = "width"


NETWORKS = {
    "GPT-2": Public(gpt2, "transformers", (32, 64, 128, 256), True),
    "Llama": Public(llama, "transformers", (32, 64, 128, 256), True),
    "ResNet": Public(resnet, "torchvision", (8, 16, 32, 64), False),
    "ResNet-18": Public(resnet18, "torchvision", (1, 2, 4), False, "depth"),
    "ViT": Public(vit, "timm", (32, 64, 128, 256), False),
}


def points(tokens: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Random ones."""
    draw = torch.Generator().manual_seed(0)
    if tokens:
        text = torch.randint(0, VOCABULARY, (4, LENGTH + 1), generator=draw)
        return text[:, :-1], text[:, 1:]
    return torch.randn(6, 3, 32, 32, generator=draw), torch.randint(0, 10, (6,), generator=draw)


def checked(public: Public) -> Any:
    """The check of one of them."""
    return coordinate_check(
        public.build,
        points(public.tokens),
        public.widths,
        SEEDS,
        steps=1,
        train="adamw",
        loss="cross-entropy",
        axis=public.axis,
    )


def run() -> dict[str, Any]:
    """All of them; packages that are missing are said."""
    torch.set_num_threads(1)
    rows = []
    for name, public in NETWORKS.items():
        try:
            module = __import__(public.package)
        except ImportError as error:
            rows.append({"network": name, "missing": str(error)})
            continue
        began = time.process_time()
        check = checked(public)
        kappa = check.exponents.kappa
        rows.append(
            {
                "network": name,
                "package": f"{public.package} {module.__version__}",
                "axis": public.axis,
                "widths": public.widths,
                "processor s": round(time.process_time() - began, 1),
                **{each.name: each.answer for each in check.judged},
                "readout": ", ".join(a.name for a in check.arrays if a.kind == "readout"),
                "rho": [kappa.exponent, *kappa.interval],
                "sentence": check.sentence,
                "advice": [f"{c.what} times m^{c.exponent:g}" for c in check.changes_to_mup],
                "notes": check.notes,
            }
        )
    return {"seeds": SEEDS, "rows": rows}
