"""The posterior of an exponent, one component at a time with full matrices.

Transcribed from the model: log value = a + e x + D h(x) + g(x) + noise, run variance s^2 m^-b, a shared
variance f^2 per width, wide priors on a and e, D ~ N(0, D0^2), or N(1, D0^2) for a sum of two powers, g a
normal process (the error of a shape, a series of corrections, or a ripple), s^2 by quantiles of its inverse
chi-square. Nothing is projected out, pooled, vectorised or
merged. Returns the components; slow.
"""

import numpy as np
from scipy.stats import chi2, norm

KINDS = ["power-law", "correction", "crossover", "sum", "logarithm", "step", "ripple"]
PRIOR = np.array([0.755, 0.05, 0.05, 0.04, 0.02, 0.065, 0.02])


def shapes(x):
    """(kind, values h, slope of h at the end, D0, share within the kind), of the curves."""
    found = [(0, np.zeros_like(x), 0.0, 1e-9, 1.0)]
    for rate in np.geomspace(0.15, 4.0, 8):
        spacing = min(max(0.5 / rate, 0.3), 1.0)
        crossing = x[0]
        while crossing < x[-1] + min(np.log(12), 2 / rate):
            before = np.exp(rate * (crossing - x))
            for change, per_rate in ((0.6, 0.7), (1.5, 1.2)):
                size = min(change, per_rate * rate)
                slope = before[-1] / (1 + before[-1])
                found.append((2, -np.log(1 + before) / rate, slope, size, spacing))
            crossing += spacing
    for rate in (0.25, 0.5, 0.75, 1.0, 1.25, 1.5):
        spacing = min(max(0.5 / rate, 0.3), 1.0)
        equal = x[0]
        while equal < x[-1] + min(np.log(20), 3 / rate):
            ratio = np.exp(rate * (equal - x))
            found.append((3, np.log(1 + ratio), -rate * ratio[-1] / (1 + ratio[-1]), 0.3, spacing))
            equal += spacing
    for origin in (0.0, *(x[0] + np.log([1 / 16, 1 / 4, 1 / 2]))):
        far = x - origin
        found += [(4, np.log(far), 1 / far[-1], size, 1.0) for size in (0.7, 2.0)]
    for rate in np.geomspace(0.4, 2.0, 6):
        for place in np.arange(x[0], x[-1] + np.log(3.0), 0.6):
            step = 1 / (1 + np.exp(rate * (place - x)))
            slope = rate * step[-1] * (1 - step[-1])
            found.append((5, step, slope, 1.0, 1.0))
            for c in (-0.7, 4.0):
                bent = c * slope / (1 + c * step[-1])
                found.append((5, np.log(1 + c * step), bent, 1 / abs(np.log(1 + c)), 1.0))
    return found


def process(x, length):
    """Correlations of a normal process."""
    if length == 0:
        return np.eye(len(x))
    return np.array([[np.exp(-0.5 * ((a - b) / length) ** 2) for b in x] for a in x])


def components(widths, values, accuracy=1e-3):
    """Arrays of weight, mean and standard deviation of e, and kind, over all components."""
    x, y = np.log(widths), np.log(values)
    num_widths, num_seeds = y.shape
    mean = y.mean(1)
    line = np.polyval(np.polyfit(x, mean, 1), x)
    error = 0.15 * np.sqrt(np.mean((mean - line) ** 2))
    members = [(*shape, error**2 * process(x, 1.5)) for shape in shapes(x)]
    for length in (0.0, 1.0, 2.0, 4.0):
        for size in (0.01, 0.04, 0.15, 0.5):
            ripple = size**2 * process(x, length)
            members.append((6, np.zeros_like(x), 0.0, 1e-9, 1.0, ripple))
    for rate in np.geomspace(0.2, 3.0, 8):
        for size in (0.5, 2.5):
            series = np.zeros((num_widths, num_widths))
            for order in range(1, 7):
                term = np.exp(-order * rate * (x - x[0])) * size / order
                series += np.outer(term, term)
            members.append((1, np.zeros_like(x), 0.0, 1e-9, 1.0, series))
    totals = np.zeros(len(KINDS))
    for kind, _, _, _, share, _ in members:
        totals[kind] += share
    spare = num_widths * (num_seeds - 1)
    rows = []
    for b in (0.0, 1.0):
        relative = np.exp(-b * (x - x.mean()))
        squares = np.sum((y - mean[:, None]) ** 2 / relative[:, None]) + spare * accuracy**2
        log_scatter = -0.5 * (num_seeds - 1) * np.sum(np.log(relative)) - 0.5 * spare * np.log(
            squares
        )
        for node, weight in zip(*np.polynomial.legendre.leggauss(4), strict=True):
            variance = squares / chi2.isf(0.5 + node / 2, spare) * relative
            noise = np.diag(variance / num_seeds + accuracy**2)
            for kind, h, slope, size, share, wander in members:
                spread = noise + wander
                design = np.column_stack([np.ones_like(x), x - x.mean(), h])
                prior = np.diag([1e6, 1e5, size**2])
                marginal = design @ prior @ design.T + spread
                information = design.T @ np.linalg.inv(spread) @ design + np.linalg.inv(prior)
                posterior = np.linalg.inv(information)
                known = float(kind == 3)  # mean of D
                rest = mean - known * h
                theta = posterior @ design.T @ np.linalg.inv(spread) @ rest
                log_evidence = -0.5 * rest @ np.linalg.solve(marginal, rest)
                log_evidence -= 0.5 * np.linalg.slogdet(marginal)[1]
                beyond = (0.3 * slope) ** 2 * ((theta[2] + known) ** 2 + posterior[2, 2])
                log_prior = np.log(PRIOR[kind] * share / totals[kind])
                total = log_evidence + log_scatter + np.log(weight / 2) + log_prior
                rows.append((total, theta[1], np.sqrt(posterior[1, 1] + beyond), kind))
    log_weight, centre, sd, kind = np.array(rows).T
    weight = np.exp(log_weight - log_weight.max())
    return weight / weight.sum(), centre, sd, kind.astype(int)


def cumulative(parts, exponent):
    """Posterior probability that e is below `exponent`."""
    weight, centre, sd, _ = parts
    return float(np.sum(weight * norm.cdf(exponent, centre, sd)))
