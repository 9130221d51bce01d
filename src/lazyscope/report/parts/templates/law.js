// The displacement law of a scheme, as `lazyscope.scaling` has it; a test compares both on random schemes.
"use strict";
const lazyscopeLaw = (() => {
  const TIE = 1e-9;
  const OF_SIGNS = new Set(["sign", "adam", "adamw", "lion"]);
  const sum = (values) => values.reduce((total, x) => total + x, 0);

  // p: 2 for descent, 1 for optimisers whose step does not know the size of the gradient.
  function growthPower(optimisers) {
    const powers = new Set(optimisers.map((name) => (name === "sgd" || name === "momentum" ? 2 : 1)));
    if (powers.size !== 1) throw new Error("descent for some layers and signs of it for others have no common law");
    return [...powers][0];
  }
  function ofLayers(optimiser, numLayers) {
    const names = Array.isArray(optimiser) ? optimiser : [optimiser];
    return names.length > 1 ? names : Array(numLayers).fill(names[0]);
  }
  // Exponents of D_l, the operator norm of an update at rate one.
  function updateExponents(optimisers) {
    const last = optimisers.length - 1;
    return optimisers.map((name, l) => (OF_SIGNS.has(name) ? (l === 0 || l === last ? 0.5 : 1) : 0));
  }
  function relativeSpeeds(a, sigma, optimiser) {
    const names = ofLayers(optimiser, a.length), p = growthPower(names), sizes = updateExponents(names);
    return a.map((x, l) => sigma[l] + sizes[l] - p * x);
  }
  // The lift c with sum_l max(heights_l + c, 0) = volume.
  function waterLevel(heights, volume) {
    const descending = [...heights].sort((x, y) => y - x);
    let lift = 0;
    for (let count = 1; count <= descending.length; count += 1) {
      const candidate = (volume - sum(descending.slice(0, count))) / count;
      if (descending[count - 1] + candidate <= 0) break;
      lift = candidate;
    }
    return lift;
  }
  function highestLevel(u, rho, p) {
    if (rho >= 0) return -Math.min(rho, 0.5);
    const top = Math.max(...u);
    return waterLevel(u.map((x) => x - top), -p * rho);
  }
  // Exponents e_l from rho, the relative speeds u_l and the growth power p alone.
  function fromSpeeds(u, rho, p) {
    const lift = highestLevel(u, rho, p), top = Math.max(...u);
    return u.map((x) => x - top + lift + 0).map((z) => (z <= 0 ? z : z / p));
  }
  const layerRegime = (e) => (Math.abs(e) <= TIE ? "order-one" : e < 0 ? "lazy" : "condensed");
  function networkRegime(rho, regimes) {
    if (rho > TIE) return "theta-lazy";
    if (rho >= -TIE) return "critical";
    return regimes.includes("lazy") ? "partially-lazy" : "condensed";
  }
  function rateExponent(u, rho, p) {
    const top = Math.max(...u);
    return p === 2 && rho >= 0 ? -(2 * rho + top) + 0 : highestLevel(u, rho, p) - top + 0;
  }
  function toMup(a, sigma, names) {
    const last = a.length - 1, p = growthPower(names), sizes = updateExponents(names);
    const scales = a.map((_, l) => (l === 0 ? 0.5 : l === last ? -0.5 : 0));
    return {
      scale_exponents: scales.map((x, l) => x - a[l] + 0),
      speed_exponents: scales.map((x, l) => p * x - sizes[l] - sigma[l] + 0),
    };
  }
  function toLazy(a, sigma, names, rho) {
    const raised = rho > TIE ? 0 : 0.5 - rho, last = a.length - 1, p = growthPower(names);
    const lifted = a.map((x, l) => (l === last ? x + raised : x));
    const rate = rateExponent(relativeSpeeds(lifted, sigma, names), sum(lifted), p);
    return { scale_exponents: a.map((_, l) => (l === last ? raised : 0)), speed_exponents: a.map(() => rate) };
  }
  // Everything that a page shows of a scheme, under the names of `lazyscope regime --json`.
  function report(a, sigma, optimiser, width, constant = 1) {
    const names = ofLayers(optimiser, a.length), p = growthPower(names);
    const rho = sum(a), u = relativeSpeeds(a, sigma, names), e = fromSpeeds(u, rho, p);
    const regimes = e.map(layerRegime);
    return {
      kappa: constant * width ** rho, kappa_exponent: rho, growth_power: p, relative_speed_exponents: u,
      displacement_exponents: e, layer_regimes: regimes, regime: networkRegime(rho, regimes),
      rate_exponent: rateExponent(u, rho, p), to_mup: toMup(a, sigma, names), to_lazy: toLazy(a, sigma, names, rho),
    };
  }
  // Coordinates of the plane: gamma, and how much faster the readout is than the input layer.
  function point(u, rho, p) {
    return { gamma: 1 - rho, gamma_prime: (u[u.length - 1] - u[0]) / p + 0 };
  }
  return { report, fromSpeeds, relativeSpeeds, growthPower, ofLayers, updateExponents, layerRegime, point, TIE };
})();
