"""How far must layers grow, when gradient flow keeps alpha_l^2/s_l - alpha_k^2/s_k fixed?

All layers gain the same C: alpha_l^2 = alpha_l(0)^2 + s_l C, until their product is one. Solved by
bisection in log C at a width given by its logarithm; imports nothing of the library.
"""

import math


def log_sum(x, y):
    high, low = max(x, y), min(x, y)
    return high + math.log1p(math.exp(low - high))


def log_level(log_m, a, sigma):
    """log C with product of the grown alpha_l equal to one; needs sum(a) < 0."""

    def log_product(log_c):
        return sum(
            0.5 * log_sum(2 * x * log_m, s * log_m + log_c) for x, s in zip(a, sigma, strict=True)
        )

    low, high = -1e5 * log_m, 1e5 * log_m
    for _ in range(300):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if log_product(middle) < 0 else (low, middle)
    return 0.5 * (low + high)


def log_displacements(log_m, a, sigma):
    """log of alpha_l(T) / alpha_l(0) - 1 for every layer."""
    log_c = log_level(log_m, a, sigma)
    result = []
    for x, s in zip(a, sigma, strict=True):
        log_q = s * log_m + log_c - 2 * x * log_m
        if log_q < -30:  # sqrt(1 + q) - 1 = q / 2
            result.append(log_q - math.log(2))
        elif log_q > 60:
            result.append(0.5 * log_q)
        else:
            result.append(math.log(math.expm1(0.5 * math.log1p(math.exp(log_q)))))
    return result


def slopes(a, sigma, log_m=(2000.0, 4000.0)):
    """Exponents of the displacements between two enormous widths."""
    first, second = (log_displacements(x, a, sigma) for x in log_m)
    gap = log_m[1] - log_m[0]
    return [(y - x) / gap for x, y in zip(first, second, strict=True)]
