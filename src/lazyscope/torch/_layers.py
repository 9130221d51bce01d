"""How do the parameters of a module lie towards the data that they meet?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from lazyscope.observe import effective_rank, low_rank_distance
from lazyscope.torch.kernel._kernel import Prepared
from lazyscope.torch.kernel._probe import record
from lazyscope.torch.uses._uses import Use


def layer_readings(
    prepared: Prepared, start: Sequence[torch.Tensor], outputs: torch.Tensor
) -> dict[str, Any]:
    """How parameters lie towards what enters them, as fields of a `Measurement`; within `state_restored`.

    Args:
        prepared: the question, of the module as it is now.
        start: its parameters at the start.
        outputs: (n, C) now.
    """
    question = prepared.question
    with torch.enable_grad():
        recorder, _ = record(question, question.x1, prepared.sketch.fixed)
    count = len(question.parameters)
    sums = np.zeros((count, 2, 2))
    ranks, distance = np.full(count, np.nan), float("nan")
    with torch.no_grad():
        for use in (placed.use for placed in recorder.placed):
            number = use.view.parameter
            if use.direct:
                continue
            now = question.parameters[number].detach().double()
            data = use.data(use.carrier)
            for k, weights in enumerate((now - start[number].double(), now)):
                sums[number, k] += _squares(use, data, _weights(use, weights))
            if use.lookup:
                continue
            if np.isnan(ranks[number]) and use.sizes[0] == 1:
                rows = data.double().reshape(-1, data.shape[-1])
                ranks[number] = float(effective_rank(rows.cpu().numpy()))
            if (
                use.sizes[:2] == (1, outputs.shape[1])
                and data.numel() == len(outputs) * data.shape[-1]
            ):
                features = data.double().reshape(len(outputs), -1).cpu().numpy()
                distance = float(low_rank_distance(features, outputs.double().cpu().numpy()))
    with np.errstate(all="ignore"):
        aligned = np.sqrt(sums[:, :, 0] / sums[:, :, 1])
    return {
        "update_alignment": aligned[:, 0],
        "weight_alignment": aligned[:, 1],
        "input_rank": ranks,
        "low_rank_distance": distance,
    }


def _weights(use: Use, parameter: torch.Tensor) -> torch.Tensor:
    """The entries of a parameter, or of its change, as a use arranges them: (b, o, i)."""
    entries, scale = use.view.entries, use.view.scale
    if entries is None:  # all of them in their own order
        used = parameter.reshape(use.view.shape)
    else:
        used = parameter.flatten()[entries.to(parameter.device)]
    return use.arrange(used if scale == 1.0 else used * scale)


def _squares(use: Use, data: torch.Tensor, weights: torch.Tensor) -> tuple[float, float]:
    """|W h|^2 and |W|^2 |h|^2."""
    if use.lookup:
        known = data >= 0
        out = weights[0].T[data.clamp(min=0)] * known[..., None]
        size = known.sum().double()[None]
    else:
        data = data.double()
        out = torch.einsum("...bi,boi->...bo", data, weights)
        size = data.square().sum(-1).reshape(-1, data.shape[-2]).sum(0)  # of every block
    return float(out.square().sum()), float((size * weights.square().sum((1, 2))).sum())
