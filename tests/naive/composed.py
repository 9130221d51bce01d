"""Covariance and tangent kernel of convolutional ReLU networks on sequences, position by position.

Written from Arora et al. 2019 (arXiv 1904.11955), section 4, with all pairs of positions, one number after
the other; imports nothing of the library.
"""

import math


def relu_pair(q1, q2, cov):
    """E relu(u) relu(v) and E relu'(u) relu'(v)."""
    size = math.sqrt(q1 * q2)
    rho = max(-1.0, min(1.0, cov / size))
    theta = math.acos(rho)
    value = size / (2 * math.pi) * (math.sin(theta) + (math.pi - theta) * rho)
    return value, (math.pi - theta) / (2 * math.pi)


def _convolved(table, taps, circular):
    """Mean over taps of covariances whose positions move together, zeros or the other end around."""
    count = len(table)
    before = (taps - 1) // 2

    def at(p, q):
        if circular:
            return table[p % count][q % count]
        return table[p][q] if 0 <= p < count and 0 <= q < count else 0.0

    return [
        [sum(at(p + t - before, q + t - before) for t in range(taps)) / taps for q in range(count)]
        for p in range(count)
    ]


def kernels(x, y, *, layers, taps, weight_std, bias_std, pooled, circular):
    """Covariance and tangent kernel of two sequences (positions, channels) given as lists."""
    tables, theta = {}, None
    for name, (a, b) in {"xx": (x, x), "xy": (x, y), "yy": (y, y)}.items():
        tables[name] = [
            [sum(s * t for s, t in zip(u, v, strict=True)) / len(u) for v in b] for u in a
        ]
    positions = range(len(x))
    for _ in range(layers):
        for name, table in tables.items():
            mean = _convolved(table, taps, circular)
            tables[name] = [[weight_std**2 * v + bias_std**2 for v in row] for row in mean]
        if theta is None:
            theta = [list(row) for row in tables["xy"]]
        else:
            mean = _convolved(theta, taps, circular)
            theta = [
                [weight_std**2 * mean[p][q] + tables["xy"][p][q] for q in positions]
                for p in positions
            ]
        q1 = [tables["xx"][p][p] for p in positions]
        q2 = [tables["yy"][p][p] for p in positions]
        variances = {"xx": (q1, q1), "xy": (q1, q2), "yy": (q2, q2)}
        for name, table in tables.items():
            a, b = variances[name]
            found = [[relu_pair(a[p], b[q], table[p][q]) for q in positions] for p in positions]
            tables[name] = [[v for v, _ in row] for row in found]
            if name == "xy":
                theta = [[found[p][q][1] * theta[p][q] for q in positions] for p in positions]
    count = len(x)
    if pooled:
        reduced = [sum(map(sum, t)) / count**2 for t in (tables["xy"], theta)]
    else:
        reduced = [sum(t[p][p] for p in positions) / count for t in (tables["xy"], theta)]
    covariance = weight_std**2 * reduced[0] + bias_std**2
    return covariance, weight_std**2 * reduced[1] + covariance
