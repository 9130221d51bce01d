"""The same instrument for PyTorch: kernels, forecasts and observation of unmodified modules."""

try:
    import torch as _torch  # noqa: F401
except ImportError as _error:
    raise ImportError(
        "lazyscope.torch needs PyTorch, which is not installed. "
        "Install it with: pip install 'lazyscope[torch]'"
    ) from _error

from lazyscope.torch._kernel import tangent_kernel, tangent_kernel_by_parameter

__all__ = ["tangent_kernel", "tangent_kernel_by_parameter"]
