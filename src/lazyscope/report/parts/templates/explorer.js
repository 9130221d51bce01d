// What does the displacement law say about the scheme that a reader chooses?
"use strict";
lazyscope.makers.push(async () => {
  const section = document.querySelector("section[data-explorer]");
  if (!section) return [];
  const data = await lazyscope.read(document.getElementById("explorer-data"));
  const LAYER = data.layerColors, BLUE = "#0072b2", ORANGE = "#d55e00";
  const REGIMES = { "theta-lazy": "lazy in every layer (theta-lazy)", critical: "critical", "partially-lazy": "partially lazy", condensed: "condensed" };
  const WORDS = { lazy: "lazy (linear)", "order-one": "order one (critical)", condensed: "condensed" };
  const selects = Object.fromEntries([...document.querySelectorAll("[data-key]")].map((s) => [s.dataset.key, s]));
  const number = (value, digits = 4) => {
    if (!Number.isFinite(value)) return "beyond what numbers hold";
    const rounded = Number(value.toPrecision(digits)) + 0;
    return String(Math.abs(rounded) < 1e-9 ? 0 : rounded).replace("-", "−");
  };
  const plain = (value) => String(Number(value.toPrecision(12)) + 0);
  const state = { scheme: "ntk", optimiser: "sgd", width: 1024, a: [], sigma: [], constant: 1 };
  const names = () => (state.optimiser === "muon + adam"
    ? state.a.map((_, l) => (l === 0 || l === state.a.length - 1 ? "adam" : "muon")) : [state.optimiser]);
  const told = () => lazyscopeLaw.report(state.a, state.sigma, names(), state.width, state.constant);

  function named(name, depth) {
    const held = data.schemes[name][state.optimiser][depth - 1];
    Object.assign(state, { scheme: name, a: [...held.a], sigma: [...held.sigma], constant: held.constant });
  }
  function deep(depth) {  // layers are added behind the first or taken from there
    if (state.scheme) return named(state.scheme, depth);
    const resized = (values) => [values[0], ...Array.from({ length: depth - 1 }, (_, l) => (l + 2 < values.length ? values[l + 1] : 0)), values[values.length - 1]];
    Object.assign(state, { a: resized(state.a), sigma: resized(state.sigma) });
  }
  function byHand() { Object.assign(state, { scheme: "", constant: 1 }); }

  function element(tag, text, attributes = {}) {
    return Object.assign(document.createElement(tag), { textContent: text, ...attributes });
  }
  function rows() {
    const body = section.querySelector("tbody");
    if (body.rows.length === state.a.length) {
      [...body.rows].forEach((row, l) => {
        const [a, sigma] = row.querySelectorAll("input");
        if (document.activeElement !== a) a.value = plain(state.a[l]);
        if (document.activeElement !== sigma) sigma.value = plain(state.sigma[l]);
      });
      return [...body.rows];
    }
    body.replaceChildren(...state.a.map((_, l) => {
      const row = document.createElement("tr");
      row.append(...Array.from({ length: 8 }, () => document.createElement("td")));
      const dot = element("span", "", { className: "dot" });
      row.cells[0].append(dot, String(l + 1));
      [["a", "scale"], ["sigma", "rate"]].forEach(([key, word], k) => {
        const input = element("input", "", { type: "number", step: "0.05", value: plain(state[key][l]), ariaLabel: `${word} exponent of layer ${l + 1}` });
        input.addEventListener("input", () => {
          if (!Number.isFinite(input.valueAsNumber)) return;
          byHand();
          state[key][l] = input.valueAsNumber;
          show();
        });
        row.cells[k + 1].append(input);
      });
      return row;
    }));
    return [...body.rows];
  }
  const pair = (changes, l) => `${number(changes.scale_exponents[l])}, ${number(changes.speed_exponents[l])}`;

  function describe(found) {
    const moved = found.layer_regimes, kinds = (kind) => moved.flatMap((r, l) => (r === kind ? [l + 1] : []));
    const which = (list) => (list.length === moved.length ? "every layer" : `layer${list.length > 1 ? "s" : ""} ${list.join(", ")}`);
    const parts = [["lazy", "stays where it starts"], ["order-one", "moves by its own size"], ["condensed", "moves far beyond its size"]]
      .filter(([kind]) => kinds(kind).length).map(([kind, words]) => `${which(kinds(kind))} ${words}`);
    return `As the width grows, ${parts.join("; ")}.`;
  }
  // Numbers of ours in markup of ours: nothing that a reader writes stands in it.
  const power = (x) => `m<sup>${number(x)}</sup>`;
  function rateWords(found) {
    const r = found.rate_exponent;
    if (Math.abs(r) < 1e-9) return "One learning rate serves all widths.";
    return `The learning rate of all layers has to follow ${power(r)}: at four times the width it is times ${number(4 ** r, 3)}.`;
  }
  const isNothing = (changes) => Object.values(changes).flat().every((x) => Math.abs(x) < 1e-9);
  function changeWords(title, changes) {
    if (isNothing(changes)) return `${title}: nothing to change.`;
    const parts = changes.scale_exponents.flatMap((x, l) => {
      const s = changes.speed_exponents[l];
      return [...(Math.abs(x) > 1e-9 ? [`initial weights of layer ${l + 1} times ${power(x)}`] : []),
              ...(Math.abs(s) > 1e-9 ? [`learning rate of layer ${l + 1} times ${power(s)}`] : [])];
    });
    return `${title}: ${parts.join("; ")}.`;
  }
  function command() {
    const list = (values) => values.map(plain).join(",");
    const other = state.optimiser === "sgd" ? "" : ` --optimizer ${names().join(",")}`;
    const given = state.scheme ? `--scheme ${state.scheme} --depth ${state.a.length - 1}`
      : `--scale-exponents=${list(state.a)} --speed-exponents=${list(state.sigma)}`;
    return `lazyscope regime ${given}${other} --width ${state.width}`;
  }
  function show() {
    tell();
    for (const view of views) view.draw().catch(lazyscope.fail);
  }
  // Everything that is no figure; the page draws those once when it starts.
  function tell() {
    const found = told();
    document.querySelector(".found").textContent = describe(found);
    const facts = [`${number(found.kappa)}`, number(found.kappa_exponent), REGIMES[found.regime], rateWords(found)];
    document.querySelectorAll(".facts dd").forEach((dd, k) => { dd.innerHTML = facts[k]; });
    rows().forEach((row, l) => {
      const color = LAYER[l];
      row.querySelector(".dot").style.background = lazyscope.isDark() ? lazyscope.lift(color) : color;
      const texts = [number(found.relative_speed_exponents[l]), number(found.displacement_exponents[l]), WORDS[found.layer_regimes[l]], pair(found.to_mup, l), pair(found.to_lazy, l)];
      texts.forEach((text, k) => { row.cells[k + 3].textContent = text; });
    });
    section.querySelector(".advice").replaceChildren(...[
      rateWords(found), changeWords("To make it muP", found.to_mup), changeWords("To make it lazy at one rate for all widths", found.to_lazy),
    ].map((text) => Object.assign(element("li", ""), { innerHTML: text })));
    section.querySelector(".command").textContent = command();
    selects.scheme.value = state.scheme;
    selects.optimiser.value = state.optimiser;
    selects.depth.value = String(state.a.length - 1);
    if (document.activeElement !== selects.width) selects.width.value = String(state.width);
    const layers = state.a.map((_, l) => String(l + 1)), chosen = selects.layer.value;
    if (selects.layer.options.length !== layers.length) {
      selects.layer.replaceChildren(...layers.map((l) => element("option", l)));
      selects.layer.value = layers.includes(chosen) ? chosen : "1";
    }
    document.getElementById("law-words").textContent = state.a.map((_, l) => `Layer ${l + 1}: slope ${number(found.displacement_exponents[l])}.`).join(" ");
    const { gamma, gamma_prime } = lazyscopeLaw.point(found.relative_speed_exponents, found.kappa_exponent, found.growth_power);
    document.getElementById("plane-words").textContent = `The scheme lies at γ = ${number(gamma)}, γ′ = ${number(gamma_prime)}; layer ${selects.layer.value} is ${WORDS[found.layer_regimes[Number(selects.layer.value) - 1]]}.`;
    remember();
  }
  // The address holds the scheme, so that it can be sent to somebody.
  function remember() {
    const held = new URLSearchParams({ optimiser: state.optimiser, width: state.width, a: state.a.map(plain).join(), sigma: state.sigma.map(plain).join() });
    if (state.scheme) held.set("scheme", state.scheme);
    try { history.replaceState(null, "", "#" + held); } catch { /* where addresses must not change */ }
  }
  function recall() {
    const held = new URLSearchParams(location.hash.slice(1));
    if (data.optimisers.includes(held.get("optimiser"))) state.optimiser = held.get("optimiser");
    if (Number(held.get("width")) >= 1) state.width = Math.round(Number(held.get("width")));
    const [a, sigma] = ["a", "sigma"].map((key) => (held.get(key) || "").split(",").map(Number));
    const fits = held.has("a") && a.length === sigma.length && data.depths.includes(a.length - 1) && [...a, ...sigma].every(Number.isFinite);
    const depth = fits ? a.length - 1 : 2;
    if (held.has("scheme") && data.schemes[held.get("scheme")]) named(held.get("scheme"), depth);
    else if (fits) { byHand(); Object.assign(state, { a, sigma }); } else named("ntk", depth);
  }
  function move(gamma, gammaPrime) {
    const found = told(), p = found.growth_power, last = state.a.length - 1, u = found.relative_speed_exponents;
    const sizes = lazyscopeLaw.updateExponents(lazyscopeLaw.ofLayers(names(), state.a.length));
    byHand();
    const nice = (x) => Math.round(x * 20) / 20;
    state.a[last] += 1 - nice(gamma) - found.kappa_exponent;
    state.sigma[last] = u[0] + p * nice(gammaPrime) - sizes[last] + p * state.a[last];
    show();
  }

  class Plane extends lazyscope.View {
    constructor() {
      super();
      this.anchor = "plane";
      this.elements = [document.querySelector("[data-panel=plane]")];
      this.elements[0].addEventListener("keydown", (event) => this.step(event));
    }
    async drawPanel(panel) {
      await super.drawPanel(panel);
      if (this.listening) return;
      this.listening = true;
      const element = this.elements[0];
      element.on("plotly_click", (event) => move(event.points[0].x, event.points[0].y));
    }
    step(event) {
      const by = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
      if (!by) return;
      event.preventDefault();
      const { gamma, gamma_prime } = this.place();
      move(gamma + by[0], gamma_prime + by[1]);
    }
    name() { return "The phase plane"; }
    place() {
      const found = told();
      return lazyscopeLaw.point(found.relative_speed_exponents, found.kappa_exponent, found.growth_power);
    }
    axes() {
      const { gamma, gamma_prime } = this.place();
      const ends = (low, high, at) => [Math.min(low, at - 0.25), Math.max(high, at + 0.25)];
      return [ends(0, 2, gamma), ends(-1, 1.5, gamma_prime)];
    }
    traces() {
      const found = told(), p = found.growth_power, u = found.relative_speed_exponents, layer = Number(selects.layer.value) - 1;
      const [[x0, x1], [y0, y1]] = this.axes(), last = 100, steps = [...Array(last + 1).keys()];
      const x = steps.map((k) => x0 + (k / last) * (x1 - x0)), y = steps.map((k) => y0 + (k / last) * (y1 - y0));
      const at = (gamma, gammaPrime) => lazyscopeLaw.fromSpeeds([...u.slice(0, -1), u[0] + p * gammaPrime], 1 - gamma, p)[layer];
      const z = y.map((v) => x.map((g) => at(g, v)));
      const middle = lazyscope.isDark() ? "#2b3138" : "#f4f4f2", ink = lazyscope.pageColors().ink;
      const { gamma, gamma_prime } = this.place();
      return [
        { type: "heatmap", name: `exponent of layer ${layer + 1}`, x, y, z, zmin: -0.75, zmax: 0.75, zsmooth: "fast", showlegend: false,
          colorscale: [[0, BLUE], [0.5, middle], [1, ORANGE]],
          colorbar: { thickness: 11, outlinewidth: 0, len: 0.96, tickvals: [-0.6, 0, 0.66], ticktext: this.words(), tickangle: 90 },
          hovertemplate: "γ %{x:.2f}, γ′ %{y:.2f}<br>exponent %{z:.2f}<extra></extra>" },
        ...[[1, 1.2, "dot", "ρ = 0"]].map(([at_, width, dash, name]) => ({
          type: "scatter", mode: "lines", name, x: [at_, at_], y: [y0, y1], hoverinfo: "skip", meta: { asIs: true }, line: { color: ink, width, dash } })),
        { type: "scatter", mode: "markers", name: "this scheme", x: [gamma], y: [gamma_prime], meta: { asIs: true },
          marker: { symbol: "circle", size: 14, color: lazyscope.pageColors().paper, line: { color: ink, width: 3 } },
          hovertemplate: "this scheme<br>γ %{x:.3g}, γ′ %{y:.3g}<extra></extra>" },
      ];
    }
    words() {
      return this.elements[0].clientWidth < 500 ? ["lazy", "order one", "condensed"] : [WORDS.lazy, WORDS["order-one"], WORDS.condensed];
    }
    layout() {
      const [x, y] = this.axes();
      return { margin: { l: 58, r: 56, t: 44, b: 52, autoexpand: false },  // fitted margins draw the map twice
               xaxis: { title: { text: "<i>γ</i> = 1 − <i>ρ</i>" }, range: x, showgrid: false }, yaxis: { title: { text: "<i>γ′</i>" }, range: y, showgrid: false },
               showlegend: true, legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" } };
    }
  }
  class Law extends lazyscope.View {
    constructor() {
      super();
      this.anchor = "law";
      this.elements = [document.querySelector("[data-panel=law]")];
    }
    name() { return "Displacement of every layer against the width"; }
    traces() {
      const e = told().displacement_exponents, dashes = ["solid", "dash", "dot", "dashdot"];
      const widths = [1, 10, 100, 1e3, 1e4, 1e5, 1e6];
      // Layers of one slope lie upon each other: the first is the widest, the last on top.
      const alike = (l, before) => e.filter((other, k) => Math.abs(other - e[l]) < 1e-9 && (before ? k < l : k > l)).length;
      const lines = e.map((x, l) => ({
        type: "scatter", mode: "lines", name: `layer ${l + 1}: ${number(x)}`, x: widths, y: widths.map((m) => m ** x),
        line: { color: LAYER[l], width: 2 + 1.5 * alike(l, false), dash: dashes[alike(l, true) % 4] },
        hovertemplate: `layer ${l + 1}<br>${power(x)}<extra></extra>`,
      }));
      return [{ type: "scatter", mode: "lines", name: "its own size", x: [1, 1e6], y: [1, 1], hoverinfo: "skip", line: { color: "#7f8792", dash: "dash", width: 1.2 } }, ...lines];
    }
    layout() {
      return { xaxis: { type: "log", title: { text: "width <i>m</i>" } }, yaxis: { type: "log", title: { text: "relative displacement" } },
               showlegend: true, legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" } };
    }
  }
  const views = [new Plane(), new Law()];
  selects.scheme.addEventListener("change", () => { if (selects.scheme.value) named(selects.scheme.value, state.a.length - 1); else byHand(); show(); });
  selects.optimiser.addEventListener("change", () => {
    state.optimiser = selects.optimiser.value;
    if (state.scheme) named(state.scheme, state.a.length - 1);
    show();
  });
  selects.depth.addEventListener("change", () => { deep(Number(selects.depth.value)); show(); });
  selects.layer.addEventListener("change", () => show());
  selects.width.addEventListener("input", () => { if (selects.width.valueAsNumber >= 1) { state.width = Math.round(selects.width.valueAsNumber); show(); } });
  for (const button of section.querySelectorAll("[data-make]")) {
    button.addEventListener("click", () => {
      const changes = told()[button.dataset.make];
      byHand();
      state.a = state.a.map((x, l) => x + changes.scale_exponents[l]);
      state.sigma = state.sigma.map((x, l) => x + changes.speed_exponents[l]);
      show();
    });
  }
  recall();
  tell();
  return views;
});
