"""The same instrument for PyTorch: kernels, forecasts and observation of unmodified modules."""

try:
    import torch as _torch  # noqa: F401
except ImportError as _error:
    raise ImportError(
        "lazyscope.torch needs PyTorch, which is not installed. "
        "Install it with: pip install 'lazyscope[torch]'"
    ) from _error

from lazyscope.torch._conjugate import conjugate_kernel
from lazyscope.torch._forecast import forecast, parameter_groups
from lazyscope.torch._observer import Observer
from lazyscope.torch._outputs import tangent_kernel_diagonal, tangent_kernel_trace
from lazyscope.torch._taylor import linearise, taylor
from lazyscope.torch.callbacks import huggingface_callback, lightning_callback
from lazyscope.torch.kernel._explain import explain_tangent_kernel
from lazyscope.torch.kernel._kernel import tangent_kernel, tangent_kernel_by_parameter
from lazyscope.torch.kernel._product import tangent_kernel_product
from lazyscope.torch.roles import roles_of

__all__ = [
    "Observer",
    "conjugate_kernel",
    "explain_tangent_kernel",
    "forecast",
    "huggingface_callback",
    "lightning_callback",
    "linearise",
    "parameter_groups",
    "roles_of",
    "tangent_kernel",
    "tangent_kernel_by_parameter",
    "tangent_kernel_diagonal",
    "tangent_kernel_product",
    "tangent_kernel_trace",
    "taylor",
]
