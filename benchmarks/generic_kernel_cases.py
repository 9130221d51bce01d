"""Which networks are the kernels of any function timed on? Plain JAX, old and new alike."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def _draw(key, *shape):
    fan_in = np.prod(shape[:-1])
    return (np.random.default_rng(key).normal(size=shape) / np.sqrt(fan_in)).astype(np.float32)


def _mlp(params, x):
    h = x
    for w in params[:-1]:
        h = jax.nn.relu(jnp.dot(h, w))
    return jnp.dot(h, params[-1])


def _convolve(x, w, stride=1):
    return lax.conv_general_dilated(
        x, w, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _pool(h):
    n, a, b, c = h.shape
    return h.reshape(n, a // 2, 2, b // 2, 2, c).mean((2, 4))


def _cnn(params, x):
    h = _pool(jax.nn.relu(_convolve(x, params["first"])))
    h = _pool(jax.nn.relu(_convolve(h, params["second"])))
    return jnp.dot(h.mean((1, 2)), params["out"])


def _residual(params, x):
    h = _convolve(x, params["stem"])
    h = h + _convolve(jax.nn.relu(_convolve(jax.nn.relu(h), params["a"])), params["b"])
    return jnp.dot(jax.nn.relu(h).mean((1, 2)), params["out"])


def _dense(n, inputs, width, outputs):
    sizes = (inputs, width, width, width, outputs)
    params = [_draw(k, sizes[k], sizes[k + 1]) for k in range(4)]
    return _mlp, params, _draw(9, n, inputs) * np.sqrt(inputs).astype(np.float32)


def _images(n, size, channels):
    return np.random.default_rng(9).normal(size=(n, size, size, channels)).astype(np.float32)


def dense_large():
    """256 examples, three hidden layers of 1024, one output."""
    return _dense(256, 784, 1024, 1)


def dense_ten_outputs():
    """64 examples, three hidden layers of 512, ten outputs."""
    return _dense(64, 784, 512, 10)


def small_cnn():
    """32 images 16 x 16 x 3, two convolutions (32 and 64 channels), ten outputs."""
    params = {"first": _draw(0, 3, 3, 3, 32), "second": _draw(1, 3, 3, 32, 64)}
    return _cnn, params | {"out": _draw(2, 64, 10)}, _images(32, 16, 3)


def residual_block():
    """16 images 8 x 8 x 32, a stem and a block of two convolutions of 128 channels, ten outputs."""
    params = {"stem": _draw(0, 3, 3, 32, 128), "a": _draw(1, 3, 3, 128, 128)}
    return (
        _residual,
        params | {"b": _draw(2, 3, 3, 128, 128), "out": _draw(3, 128, 10)},
        _images(16, 8, 32),
    )


CASES = {
    case.__name__: case for case in (dense_large, dense_ten_outputs, small_cnn, residual_block)
}
