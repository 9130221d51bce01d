"""Networks by their formulas, loop by loop, and the size that their outputs have at infinite width.

Transcribed from the definitions in docs/networks.md. Weights are plain arrays; ``sigma`` is a function.
"""

import numpy as np


def relu(u):
    return np.maximum(u, 0.0)


def places(height, width, k, stride, padding):
    """Upper left corner (row, column) of the patch of every position, in order."""
    start = -(k // 2) if padding == "same" else 0
    stop_h = height + (k // 2 if padding == "same" else 0) - k
    stop_w = width + (k // 2 if padding == "same" else 0) - k
    rows, columns = range(start, stop_h + 1, stride), range(start, stop_w + 1, stride)
    return [(r, c) for r in rows for c in columns], (len(rows), len(columns))


def convolve(weight, image, stride, padding):
    """Sum over taps and channels, zero outside the image; image (h, w, c), weight (out, c, k, k)."""
    height, width, _ = image.shape
    k = weight.shape[2]
    corners, size = places(height, width, k, stride, padding)
    rows = []
    for r, c in corners:
        total = np.zeros(weight.shape[0], weight.dtype)
        for i in range(k):
            for j in range(k):
                if 0 <= r + i < height and 0 <= c + j < width:
                    total += weight[:, :, i, j] @ image[r + i, c + j]
        rows.append(total)
    return np.array(rows).reshape(*size, -1)


def convolution(weights, image, sigma, stride=1, padding="same"):
    x = image
    for weight in weights[:-1]:
        x = sigma(convolve(weight, x, stride, padding))
    return weights[-1] @ x.mean(axis=(0, 1))


def residual(weights, x, sigma, b):
    h = weights[0] @ x
    for weight in weights[1:-1]:
        h = h + b * (weight @ sigma(h))
    return weights[-1] @ sigma(h)


def residual_convolution(weights, image, sigma, b, stride=1):
    h = convolve(weights[0], image, stride, "same")
    for weight in weights[1:-1]:
        h = h + b * convolve(weight, sigma(h), 1, "same")
    return weights[-1] @ sigma(h).mean(axis=(0, 1))


def layer_norm(weights, norms, x, sigma, epsilon):
    for weight, (scale, shift) in zip(weights[:-1], norms, strict=True):
        u = weight @ x
        normal = (u - np.mean(u)) / np.sqrt(np.var(u) + epsilon)
        x = sigma(scale * normal + shift)
    return weights[-1] @ x


def attention(weights, tokens, sigma, heads, score_scale, b):
    """Outputs of one attention block, and the scores of every head (H, T, T)."""
    embedding, query, key, value, output, readout = weights
    num, m = len(tokens), len(embedding)
    z = [
        np.concatenate([tokens[t], np.eye(num)[t] / np.sqrt(num)]) / np.sqrt(2) for t in range(num)
    ]
    h = [embedding @ each for each in z]
    d = m // heads
    scores, seen = (np.zeros(s, embedding.dtype) for s in ((heads, num, num), (num, m)))
    for a in range(heads):
        mine = slice(a * d, (a + 1) * d)
        for t in range(num):
            for s in range(num):
                scores[a, t, s] = score_scale * ((query @ h[t])[mine] @ (key @ h[s])[mine])
            share = np.exp(scores[a, t]) / np.exp(scores[a, t]).sum()
            seen[t, mine] = sum(share[s] * (value @ h[s])[mine] for s in range(num))
    u = [h[t] + b * (output @ seen[t]) for t in range(num)]
    return readout @ np.mean([sigma(each) for each in u], axis=0), scores


def relu_moments(covariance):
    """E relu(u) relu(v) for Gaussians of this covariance (Cho & Saul 2009, degree one)."""
    size = np.sqrt(np.diag(covariance))
    sizes = np.outer(size, size)
    safe = np.where(sizes > 0, sizes, 1.0)
    angle = np.arccos(np.clip(covariance / safe, -1.0, 1.0))
    return sizes / (2 * np.pi) * (np.sin(angle) + (np.pi - angle) * np.cos(angle))


def _seen_together(moments, size, k, stride, padding):
    """sum over taps of moments at the two tapped positions, for every pair of output positions."""
    height, width = size
    corners, new_size = places(height, width, k, stride, padding)
    around = np.pad(moments.reshape(height, width, height, width), k)
    rows, columns = np.array(corners).T + k
    out = np.zeros((len(corners), len(corners)))
    for i in range(k):
        for j in range(k):
            r, c = rows + i, columns + j
            out += around[r[:, None], c[:, None], r[None, :], c[None, :]]
    return out, new_size


def convolution_square(image, stds, m, k, stride=1, padding="same"):
    """E f^2 of one image as m grows, for ReLU: the covariance over positions, layer by layer."""
    flat = image.reshape(-1, image.shape[2])
    moments, size = flat @ flat.T, image.shape[:2]
    for number, std in enumerate(stds[:-1]):
        fan = 1 if number == 0 else m
        moments, size = _seen_together(moments, size, k, stride, padding)
        moments = relu_moments(std**2 * fan * moments)
    return stds[-1] ** 2 * m * moments.mean()


def residual_convolution_square(image, stds, m, k, b, stride=1):
    """The same with skip connections: a branch adds its own covariance."""
    flat = image.reshape(-1, image.shape[2])
    covariance, size = _seen_together(flat @ flat.T, image.shape[:2], k, stride, "same")
    covariance = stds[0] ** 2 * covariance
    for std in stds[1:-1]:
        branch, size = _seen_together(relu_moments(covariance), size, k, 1, "same")
        covariance = covariance + b**2 * std**2 * m * branch
    return stds[-1] ** 2 * m * relu_moments(covariance).mean()


def attention_square(tokens, stds, m, b):
    """E f^2 of one input as m grows, for ReLU, when scores vanish: every token sees the mean of all."""
    num = len(tokens)
    z = np.concatenate([tokens, np.eye(num) / np.sqrt(num)], axis=1) / np.sqrt(2)
    covariance = stds[0] ** 2 * z @ z.T
    branch = (b * stds[3] * stds[4] * m) ** 2 * covariance.mean()
    return stds[5] ** 2 * m * relu_moments(covariance + branch).mean()
