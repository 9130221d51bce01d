"""The posterior of an exponent, one component at a time with full matrices.

Transcribed from the model: log value = a + e x + D h(x) + noise, run variance s^2 m^-b, a shared
variance f^2 per width, wide priors on a and e, D ~ N(0, D0^2), log s flat on a grid. Nothing is
projected out, pooled, vectorised or merged. Returns the components; slow.
"""

import numpy as np
from scipy.stats import norm


def shapes(widths):
    """(kind, values h, D0) for every shape, kinds 0 to 3."""
    x = np.log(widths)
    ratio = widths / widths[0]
    found = [(0, np.zeros_like(x), 1e-6)]
    for rate in np.geomspace(0.15, 3.2, 12):
        found.append((1, ratio**-rate, 0.5))
        bent = [np.log(1 - bend * ratio**-rate) for bend in (0.4, 0.7, 0.9)]
        found += [(1, h, 0.5 / -h[0]) for h in bent]
    for rate in np.geomspace(0.08, 4.0, 12):
        crossing = x[0]
        while crossing < x[-1] + np.log(6) and crossing <= x[-1] + 2 / rate:
            h = -np.log(1 + np.exp(rate * (crossing - x))) / rate
            found.append((2, h, min(0.6, 0.7 * rate)))
            crossing += 0.3
    found.append((3, np.log(x), 0.7))
    return found


def components(widths, values, accuracy=1e-3):
    """Arrays of weight, mean and standard deviation of e, and kind, over all components."""
    x = np.log(widths)
    y = np.log(values)
    num_widths, num_seeds = y.shape
    mean = y.mean(1)
    line = np.polyval(np.polyfit(x, mean, 1), x)
    shared = accuracy**2 + (0.05 * np.sqrt(np.mean((mean - line) ** 2))) ** 2
    catalogue = shapes(widths)
    counts = np.bincount([kind for kind, _, _ in catalogue])
    prior = np.array([0.40, 0.20, 0.30, 0.10])
    rows = []
    for b in (0.0, 0.5, 1.0, 1.5):
        relative = np.exp(-b * (x - x.mean()))
        spare = num_widths * (num_seeds - 1)
        pooled = np.sum((y - mean[:, None]) ** 2 / relative[:, None]) / spare + accuracy**2
        for factor in np.geomspace(0.55, 8.0, 10):
            variance = factor**2 * pooled * relative
            log_scatter = 0.0
            for i in range(num_widths):
                residual = y[i] - mean[i]
                log_scatter += -0.5 * np.sum(residual**2) / variance[i]
                log_scatter += -0.5 * (num_seeds - 1) * np.log(variance[i])
            noise = np.diag(variance / num_seeds + shared)
            for kind, h, size in catalogue:
                design = np.column_stack([np.ones_like(x), x - x.mean(), h])
                covariance = np.diag([1e4, 1e3, size**2])
                marginal = design @ covariance @ design.T + noise
                information = design.T @ np.linalg.inv(noise) @ design + np.linalg.inv(covariance)
                posterior = np.linalg.inv(information)
                theta = posterior @ design.T @ np.linalg.inv(noise) @ mean
                log_evidence = -0.5 * mean @ np.linalg.solve(marginal, mean)
                log_evidence -= 0.5 * np.linalg.slogdet(marginal)[1]
                rows.append(
                    (
                        log_evidence + log_scatter + np.log(prior[kind] / counts[kind]),
                        theta[1],
                        np.sqrt(posterior[1, 1]),
                        kind,
                    )
                )
    log_weight, centre, sd, kind = np.array(rows).T
    weight = np.exp(log_weight - log_weight.max())
    return weight / weight.sum(), centre, sd, kind.astype(int)


def cumulative(parts, exponent):
    """Posterior probability that e is below `exponent`."""
    weight, centre, sd, _ = parts
    return float(np.sum(weight * norm.cdf(exponent, centre, sd)))
