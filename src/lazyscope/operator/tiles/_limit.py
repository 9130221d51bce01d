"""What are the blocks of a limit kernel?"""

from collections.abc import Callable
from typing import Any, final

import numpy as np
from jaxtyping import Float

from lazyscope.limit import LimitKernelName, limit_kernel_blocks
from lazyscope.operator.tiles._blocks import AbstractBlocks, Rows


@final
class LimitBlocks(AbstractBlocks):
    """Blocks of a limit kernel, in the precision of the points.

    Args:
        x: training points (n, d).
        kernel: ``"tangent"`` or ``"covariance"``.
        network: arguments that describe the network.
    """

    def __init__(self, x: np.ndarray, kernel: LimitKernelName, network: dict[str, Any]) -> None:
        self.x, self._network = x, network
        self._kernel: LimitKernelName = kernel
        self._blocks = limit_kernel_blocks(x, kernel=kernel, **network)

    @property
    def dtype(self) -> np.dtype:
        return self._blocks.dtype

    @property
    def known(self) -> bytes:
        return self._kernel.encode() + self._blocks.standard_deviations.tobytes()

    def block(self, rows: Rows, columns: Rows) -> Float[np.ndarray, "rows columns"]:
        return self._blocks.block(rows, columns)

    def diagonal(self) -> Float[np.ndarray, " n"]:
        return self._blocks.diagonal

    def against(self, x_other: Any) -> Callable[[slice], Float[np.ndarray, "others columns"]]:
        cross = limit_kernel_blocks(x_other, self.x, kernel=self._kernel, **self._network)
        return lambda columns: cross.block(slice(0, len(x_other)), columns)

    def own_diagonal(self, x_other: Any) -> Float[np.ndarray, " others"]:
        return limit_kernel_blocks(x_other, kernel=self._kernel, **self._network).diagonal
