// How does one look into a phase diagram? A map by quantity and layer, and everything about the chosen cell.
"use strict";
lazyscope.makers.push(async () => {
  const section = document.querySelector("section[data-map]");
  if (!section) return [];
  const data = await lazyscope.read(document.getElementById("map-data"));
  const LAYER = data.layerColors;
  const RAMP = ["#482475", "#355f8d", "#21918c", "#35b779", "#8fd744"];
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const BLUE = "#0072b2", ORANGE = "#d55e00";
  const VIRIDIS = [[0, "#440154"], [0.25, "#3b528b"], [0.5, "#21918c"], [0.75, "#5ec962"], [1, "#fde725"]];

  // Arrays arrive as base64: numbers in single precision, labels in one byte.
  function unpack(array) {
    let bytes = Uint8Array.from(atob(array.f4 || array.u1 || array.i4 || array.planes || ""), (c) => c.charCodeAt(0));
    if (array.planes) {
      const length = bytes.length / 4, planes = bytes;
      bytes = new Uint8Array(planes.length);
      for (let plane = 0; plane < 4; plane += 1) for (let k = 0; k < length; k += 1) bytes[4 * k + plane] = planes[plane * length + k];
    }
    const values = array.u1 !== undefined ? bytes : new (array.i4 ? Int32Array : Float32Array)(bytes.buffer);
    const strides = array.shape.map((_, k) => array.shape.slice(k + 1).reduce((a, b) => a * b, 1));
    const offset = (index) => index.reduce((sum, i, k) => sum + i * strides[k], 0);
    return {
      shape: array.shape,
      values,
      at: (...index) => values[offset(index)],
      row: (...index) => values.subarray(offset(index), offset(index) + strides[index.length - 1]),
      label: (...index) => array.labels[values[offset(index)]],
      labels: array.labels,
    };
  }
  const arrays = Object.fromEntries(Object.entries(data.arrays).map(([k, v]) => [k, unpack(v)]));
  const [X, Y] = data.axes;
  // Virtual widths are other ones in every cell.
  const widthAt = (i, j, w) => (arrays.cell_widths ? arrays.cell_widths.at(i, j, w) : data.widths[w]);
  const widthText = (i, j, w) => (arrays.cell_widths ? write(widthAt(i, j, w), 2) : String(data.widths[w]));
  const range = (n) => [...Array(n).keys()];

  function write(value, digits = 3) {
    if (!Number.isFinite(value)) return "–";
    const small = value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5);
    if (!small) return String(Number(value.toPrecision(digits))).replace("-", "−");
    const [mantissa, power] = value.toExponential(digits - 1).split("e").map(Number);
    const raised = [...String(power)].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"["0123456789".indexOf(c)] || "⁻").join("");
    return `${mantissa === 1 ? "" : `${mantissa} × `}10${raised}`.replace("-", "−");
  }
  // Powers in sentences that came as plain text, as the rest of the page writes them.
  const powers = (text) => text.replace(/m\^(-?[\d.]*\d)/g, (_, power) => `m${[...power].map((c) => ({ "-": "⁻", ".": "·" })[c] || "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("")}`);
  const decimal = (value) => (Number.isFinite(value) ? value.toFixed(2).replace("-", "−") : "–");
  const interval = (i, j, l) => {
    const ends = [arrays.low.at(i, j, l), arrays.high.at(i, j, l)];
    return ends.every(Number.isFinite) ? "[" + ends.map(decimal).join(", ") + "]" : "unknown";
  };
  const escape = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const place = (i, j) => `${X.label} = ${write(X.values[i], 4)}, ${Y.label} = ${write(Y.values[j], 4)}`;
  const sign = (i, j, l) => {
    if (arrays.sign) return arrays.sign.label(i, j, l);
    return arrays.low.at(i, j, l) > 0 ? "positive" : arrays.high.at(i, j, l) < 0 ? "negative" : "undecided";
  };

  // Whether the largest width is where the others expect it, in words; nothing where they are too few.
  function largest(i, j, l) {
    if (!arrays.largest_low || !Number.isFinite(arrays.largest_low.at(i, j, l))) return "";
    const [v, low, high] = ["measured", "low", "high"].map((end) => arrays["largest_" + end].at(i, j, l));
    const [words, where] = low <= v && v <= high
      ? ["as the others expect", "inside"] : ["not as the others expect", "outside"];
    return `largest width ${words}: ${write(v)}, ${where} [${write(low)}, ${write(high)}]`;
  }
  const assumption = (i, j, l) => (data.assumption.length ? powers(data.assumption[i][j][l]) : "");
  // A sentence in lines short enough to hover over.
  const folded = (text) => text.replace(/(.{1,64})(\s+|$)/g, (_, line) => `<br>&nbsp; ${escape(line)}`);

  function value(key, i, j, l) {
    if (key === "difference") return arrays.exponent.at(i, j, l) - arrays.predicted.at(i, j, l);
    if (key === "half_width") return (arrays.high.at(i, j, l) - arrays.low.at(i, j, l)) / 2;
    const array = arrays[key];
    return array.shape.length === 2 ? array.at(i, j) : array.at(i, j, l);
  }
  function outcomes(i, j) {
    const count = {};
    for (const w of range(data.widths.length)) for (const s of range(data.seeds.length)) {
      const label = arrays.outcome.label(i, j, w, s);
      count[label] = (count[label] || 0) + 1;
    }
    return count;
  }
  function numFailed(i, j) {
    return Object.entries(outcomes(i, j)).reduce((sum, [label, count]) =>
      sum + (label === "converged" || label === "missing" ? 0 : count), 0);
  }

  // Edges of the cells along an axis: half way to the neighbours, in the logarithm where the axis is.
  function edges(axis) {
    const v = axis.log ? axis.values.map(Math.log) : axis.values;
    if (v.length === 1) return axis.log ? [axis.values[0] / 2, axis.values[0] * 2] : [v[0] - 0.5, v[0] + 0.5];
    const inner = v.slice(1).map((b, k) => (v[k] + b) / 2);
    const all = [2 * v[0] - inner[0], ...inner, 2 * v[v.length - 1] - inner[inner.length - 1]];
    return axis.log ? all.map(Math.exp) : all;
  }
  const EX = edges(X), EY = edges(Y);
  const corner = (edge, axis, k, share) => (axis.log
    ? Math.exp(Math.log(edge[k]) * (1 - share) + Math.log(edge[k + 1]) * share)
    : edge[k] * (1 - share) + edge[k + 1] * share);

  class PhaseMap extends lazyscope.View {
    constructor() {
      super();
      this.anchor = "map";
      this.section = section;
      this.elements = [...section.querySelectorAll("[data-panel]")];
      this.cell = [Math.floor(X.values.length / 2), Math.floor(Y.values.length / 2)];
      this.selects = Object.fromEntries([...section.querySelectorAll("select")].map((s) => [s.dataset.key, s]));
      for (const select of Object.values(this.selects)) {
        select.addEventListener("change", () => this.draw().catch(lazyscope.fail));
      }
      this.elements[0].addEventListener("keydown", (event) => this.step(event));
    }
    get layer() { return Number(this.selects.layer.value); }
    get quantity() { return data.quantities.find((q) => q.key === this.selects.quantity.value); }
    async drawAll() {
      await super.drawAll();
      if (!this.listening) this.elements[0].on("plotly_click", (event) => this.clicked(event));
      this.listening = true;
    }
    async drawPanel(panel) {
      if (panel === 0) {
        this.selects.layer.disabled = !this.quantity.perLayer;
        this.explain();
        this.describe();
      }
      await super.drawPanel(panel);
    }
    // What the colours and marks mean, as far as they stand on the map now.
    explain() {
      const { key, perLayer } = this.quantity, ofExponents = ["exponent", "predicted", "sign"].includes(key);
      for (const li of this.section.querySelectorAll(".of-exponents")) li.hidden = !ofExponents;
      for (const li of this.section.querySelectorAll(".of-layers")) li.hidden = !perLayer;
    }
    clicked(event) {
      const point = event.points.find((p) => Array.isArray(p.pointNumber) || Array.isArray(p.pointIndex));
      if (!point) return;
      const [j, i] = point.pointIndex || point.pointNumber;
      this.choose(i, j);
    }
    choose(i, j) {
      this.cell = [i, j];
      this.draw().catch(lazyscope.fail);
    }
    step(event) {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!move) return;
      event.preventDefault();
      const [i, j] = [this.cell[0] + move[0], this.cell[1] + move[1]];
      if (i >= 0 && j >= 0 && i < X.values.length && j < Y.values.length) this.choose(i, j);
    }
    kind(panel) { return this.elements[panel].dataset.panel; }
    name(panel) {
      if (this.kind(panel) === "map") {
        return this.quantity.label + (this.quantity.perLayer ? `, layer ${data.layers[this.layer]}` : "");
      }
      return { displacement: "Displacement", loss: "Loss", weights: "Input weights" }[this.kind(panel)]
        + ` at ${place(...this.cell)}`;
    }
    traces(panel) { return this[this.kind(panel) + "Traces"](); }
    layout(panel) { return this[this.kind(panel) + "Layout"](); }

    // The map.
    mapTraces() {
      const quantity = this.quantity, z = range(Y.values.length).map((j) =>
        range(X.values.length).map((i) => this.shade(quantity, i, j)));
      const text = range(Y.values.length).map((j) => range(X.values.length).map((i) => this.hover(i, j)));
      const colors = this.scale(quantity, z.flat().filter((v) => v !== null));
      const bar = { thickness: 11, len: 0.92, outlinewidth: 0, ticklen: 3, ...colors.bar };
      return [
        { type: "heatmap", name: quantity.label, x: X.values, y: Y.values, z, text, hoverinfo: "text", xgap: 1, ygap: 1,
          showlegend: false, zmin: colors.min, zmax: colors.max, colorscale: colors.scale, colorbar: bar },
        this.blank(z, text), ...this.lines(), ...this.marks(),
      ];
    }
    // Cells without a value are grey, so that they are not taken for a value near the middle.
    blank(z, text) {
      const grey = lazyscope.isDark() ? "#59616b" : "#aeb4bc";
      return { type: "heatmap", x: X.values, y: Y.values, z: z.map((row) => row.map((v) => (v === null ? 1 : null))), text,
               hoverinfo: "text", xgap: 1, ygap: 1, showscale: false, showlegend: false, zmin: 0, zmax: 1, colorscale: [[0, grey], [1, grey]] };
    }
    shade(quantity, i, j) {
      if (quantity.scale === "labels") {
        if (!Number.isFinite(arrays.exponent.at(i, j, this.layer))) return null;
        const label = quantity.key === "sign" ? sign(i, j, this.layer) : arrays[quantity.key].label(i, j, this.layer);
        return { negative: -1, agrees: -1, undecided: 0, positive: 1, disagrees: 1 }[label] ?? null;
      }
      const v = value(quantity.key, i, j, this.layer);
      if (!Number.isFinite(v)) return null;
      return quantity.scale === "log" ? (v > 0 ? Math.log10(v) : null) : v;
    }
    scale(quantity, values) {
      const low = Math.min(...values), high = Math.max(...values);
      const middle = lazyscope.isDark() ? "#2b3138" : "#f4f4f2";
      const signed = [[0, BLUE], [0.5, middle], [1, ORANGE]];
      if (quantity.scale === "labels") {
        const words = quantity.key === "sign" ? ["negative", "undecided", "positive"] : ["agrees", "undecided", "disagrees"];
        const steps = [[0, signed[0][1]], [1 / 3, signed[0][1]], [1 / 3, middle], [2 / 3, middle], [2 / 3, signed[2][1]], [1, signed[2][1]]];
        return { min: -1.5, max: 1.5, scale: steps, bar: { tickvals: [-1, 0, 1], ticktext: words, tickangle: 90 } };
      }
      if (quantity.scale === "diverging") {
        const largest = Math.max(0.05, Math.abs(low), Math.abs(high)) || 1, end = Math.min(1, largest);
        const ticks = [-1, -0.5, 0, 0.5, 1];
        const words = ticks.map((t) => (Math.abs(t) < 1 ? write(t) : `${t < 0 ? "≤ −" : "≥ "}1`));
        return { min: -end, max: end, scale: signed, bar: largest > 1 ? { tickvals: ticks, ticktext: words } : {} };
      }
      if (quantity.scale !== "log") return { min: Math.min(low, 0), max: high > low ? high : low + 1, scale: VIRIDIS, bar: {} };
      const steps = high - low < 1.2 ? [1, 2, 5] : [1];
      const ticks = range(Math.ceil(high) - Math.floor(low) + 1).flatMap((k) =>
        steps.map((s) => Math.log10(s) + Math.floor(low) + k)).filter((t) => t >= low - 1e-6 && t <= high + 1e-6);
      return { min: low, max: high > low ? high : low + 1, scale: VIRIDIS,
               bar: { tickvals: ticks, ticktext: ticks.map((t) => write(10 ** t, 2)) } };
    }
    hover(i, j) {
      const layers = data.layers.map((layer, l) => {
        const predicted = arrays.predicted ? `, predicted ${decimal(arrays.predicted.at(i, j, l))}` : "";
        return `layer ${layer}: ${decimal(arrays.exponent.at(i, j, l))} ${interval(i, j, l)}${predicted}, ${escape(arrays.verdict.label(i, j, l))}`
          + (l === this.layer ? folded(assumption(i, j, l)) + folded(largest(i, j, l)) : "");
      });
      const quantity = this.quantity;
      const shown = quantity.scale === "labels" || quantity.key === "exponent" ? []
        : [`${escape(quantity.label)}: ${write(value(quantity.key, i, j, this.layer))}`];
      const failed = numFailed(i, j);
      return [`<b>${place(i, j)}</b>`, ...shown, ...layers, ...(failed ? [`${failed} runs failed`] : [])].join("<br>");
    }
    // A line of one layer has the layer's colour; dashes tell kinds and lines of one colour apart.
    lines() {
      return data.boundaries.flatMap((line) => [["", 5], [line.name, 2.2]].map(([name, width]) => ({
        type: "scatter", mode: "lines", x: line.x, y: line.y, name: escape(name || line.name), showlegend: Boolean(name), hoverinfo: "skip", meta: { asIs: true },
        line: { color: name && line.color ? (lazyscope.isDark() ? lazyscope.lift(line.color) : line.color) : this.ink(Boolean(name)), width, dash: (name && line.dash) || "solid" }, opacity: name ? 1 : 0.75,
      })));
    }
    ink(front) {
      const colors = lazyscope.pageColors();
      return front ? colors.ink : colors.paper;
    }
    marks() {
      const cells = range(X.values.length).flatMap((i) => range(Y.values.length).map((j) => [i, j]));
      const l = this.layer, known = ([i, j]) => Number.isFinite(arrays.exponent.at(i, j, l));
      const mark = (name, chosen, symbol, size, share) => ({
        type: "scatter", mode: "markers", name, hoverinfo: "skip", showlegend: chosen.length > 0, meta: { asIs: true },
        x: chosen.map(([i]) => corner(EX, X, i, share)), y: chosen.map(([, j]) => corner(EY, Y, j, share)),
        marker: { symbol, size, color: this.ink(true), line: { width: 1.6, color: this.ink(true) } },
      });
      const ofExponent = this.quantity.perLayer
        ? [mark("sign undecided", cells.filter((c) => known(c) && sign(...c, l) === "undecided"), "circle-open", 8, 0.5),
           mark("disagrees", cells.filter((c) => known(c) && arrays.verdict.label(...c, l) === "disagrees"), "diamond-open", 11, 0.5)]
        : [];
      return [
        ...ofExponent,
        mark("no estimate", cells.filter((c) => !known(c)), "x-thin", 9, 0.5),
        mark("runs failed", cells.filter((c) => known(c) && numFailed(...c) > 0), "x-thin", 5, 0.82),
      ];
    }
    mapLayout() {
      const [i, j] = this.cell;
      const axis = (one, edge) => ({
        title: { text: `<i>${escape(one.label)}</i>` }, type: one.log ? "log" : "linear", showgrid: false,
        range: (one.log ? [edge[0], edge[edge.length - 1]].map(Math.log10) : [edge[0], edge[edge.length - 1]]),
        constrain: "domain",
      });
      return {
        xaxis: axis(X, EX), yaxis: axis(Y, EY),
        plot_bgcolor: lazyscope.pageColors().rule,
        legend: { orientation: "h", x: 0, y: -0.1, yanchor: "top" },
        shapes: lazyscope.isPrinting() ? [] : [{ type: "rect", x0: EX[i], x1: EX[i + 1], y0: EY[j], y1: EY[j + 1], line: { color: this.ink(true), width: 3 } }],
        annotations: this.labels(),
      };
    }

    // Names of regions, in lines short enough for the region's place; letters where they would overlap.
    labels() {
      const box = this.elements[0], size = { x: 0.72 * box.clientWidth, y: 0.8 * box.clientHeight };
      const share = (axis, edge, v) => {
        const at = axis.log ? Math.log : Number;
        return (at(v) - at(edge[0])) / (at(edge[edge.length - 1]) - at(edge[0]));
      };
      const at = (x, y) => [size.x * share(X, EX, x), size.y * share(Y, EY, y)];
      const taken = this.marks().flatMap((trace) => trace.x.map((x, k) => [...at(x, trace.y[k]), 18, 18]));
      const texts = data.regions.map((region) => region.name.replace(/^only layers? (.*) lazy$/, "only $1<br>lazy"));
      const boxOf = (text) => {
        const lines = text.split("<br>");
        return [7.5 * Math.max(...lines.map((line) => line.length)) + 8, 17 * lines.length + 8];
      };
      const meets = (one, other) => Math.abs(one[0] - other[0]) < (one[2] + other[2]) / 2 && Math.abs(one[1] - other[1]) < (one[3] + other[3]) / 2;
      const steps = range(81).map((k) => [16 * (k % 9 - 4), 16 * (Math.floor(k / 9) - 4)]).sort((a, b) => a[0] ** 2 + a[1] ** 2 - b[0] ** 2 - b[1] ** 2);
      // Every name goes to the free place nearest to the middle of its region: off marks and off other names.
      const placed = (words) => words.reduce((boxes, text, k) => {
        const [width, height] = boxOf(text), [x, y] = at(data.regions[k].x, data.regions[k].y);
        const free = steps.map(([dx, dy]) => [x + dx, y + dy, width, height]).find((box) =>
          box[0] >= width / 2 && box[0] <= size.x - width / 2 && box[1] >= height / 2 && box[1] <= size.y - height / 2
          && ![...taken, ...boxes.filter(Boolean)].some((other) => meets(box, other)));
        return [...boxes, free];
      }, []);
      const whole = placed(texts), clash = whole.some((box) => !box);
      const letters = texts.map((_, k) => LETTERS[k % LETTERS.length]);
      const boxes = clash ? placed(letters) : whole;
      const key = section.querySelector(".region-key");
      key.hidden = !clash;
      key.textContent = "Regions of the law: " + data.regions.map((region, k) => `${LETTERS[k]} ${region.name}`).join(", ") + ".";
      const back = (axis, edge, part) => {
        const ends = [edge[0], edge[edge.length - 1]].map(axis.log ? Math.log10 : Number);
        return ends[0] + part * (ends[1] - ends[0]);
      };
      return data.regions.map((region, k) => ({
        x: boxes[k] ? back(X, EX, boxes[k][0] / size.x) : (X.log ? Math.log10(region.x) : region.x),
        y: boxes[k] ? back(Y, EY, boxes[k][1] / size.y) : (Y.log ? Math.log10(region.y) : region.y),
        text: clash ? `<b>${LETTERS[k]}</b>` : escape(texts[k]).replace("&lt;br&gt;", "<br>"),
        showarrow: false, font: { size: 13, color: this.ink(true) }, bgcolor: lazyscope.pageColors().paper, opacity: 0.85, borderpad: 3,
      }));
    }

    // The chosen cell.
    describe() {
      const [i, j] = this.cell, count = outcomes(i, j);
      section.querySelector(".cell-name").textContent = place(i, j);
      const body = section.querySelector(".cell-table tbody");
      body.replaceChildren(...data.layers.map((layer, l) => {
        const row = document.createElement("tr");
        const words = [layer, decimal(arrays.exponent.at(i, j, l)), interval(i, j, l),
          ...(arrays.predicted ? [decimal(arrays.predicted.at(i, j, l))] : []), arrays.verdict.label(i, j, l)];
        row.append(...words.map((word) => Object.assign(document.createElement("td"), { textContent: word })));
        const dot = Object.assign(document.createElement("span"), { className: "dot" });
        const color = LAYER[l % LAYER.length];
        dot.style.background = lazyscope.isDark() ? lazyscope.lift(color) : color;
        row.firstChild.prepend(dot);
        return row;
      }));
      const rests = section.querySelector(".cell-rests");
      rests.replaceChildren(...data.layers.map((layer, l) => Object.assign(document.createElement("li"), {
        textContent: [assumption(i, j, l), largest(i, j, l) && `${largest(i, j, l)}.`].filter(Boolean).map((text) => text[0].toUpperCase() + text.slice(1)).join(" "),
        value: layer,
      })).filter((item) => item.textContent));
      rests.hidden = !rests.childElementCount;
      const told = Object.entries(count).map(([label, number]) => `${number} ${label}`).join(", ");
      section.querySelector(".cell-runs").textContent = `Runs: ${told}.`;
    }
    displacementTraces() {
      const [i, j] = this.cell;
      return data.layers.flatMap((layer, l) => {
        const points = range(data.widths.length).flatMap((w) => range(data.seeds.length).map((s) => ({
          width: widthAt(i, j, w), text: widthText(i, j, w), seed: data.seeds[s], v: arrays.displacement.at(i, j, w, s, l), outcome: arrays.outcome.label(i, j, w, s),
        }))).filter((p) => p.v > 0 && Number.isFinite(p.v));
        const color = LAYER[l % LAYER.length];
        const traces = [{
          type: "scatter", mode: "markers", name: `layer ${layer}`, x: points.map((p) => p.width), y: points.map((p) => p.v), hoverinfo: "text",
          hovertext: points.map((p) => `layer ${layer}, width ${p.text}, seed ${p.seed}<br>${write(p.v)}, ${escape(p.outcome)}`),
          marker: { color, size: 6, opacity: 0.75, symbol: points.map((p) => (p.outcome === "converged" ? "circle" : "x-open")) },
        }];
        if (arrays.fit && arrays.fit.row(i, j, l).some(Number.isFinite)) {
          traces.push({ type: "scatter", mode: "lines", name: `layer ${layer}, fit`, x: arrays.fit_widths ? [...arrays.fit_widths.row(i, j)] : data.fitWidths, y: [...arrays.fit.row(i, j, l)],
                        hoverinfo: "skip", line: { color, width: 1.6 } });
        }
        return traces;
      });
    }
    displacementLayout() {
      const ticks = data.widths.length < 7 && !arrays.cell_widths ? { tickvals: data.widths, ticktext: data.widths.map(String) } : {};
      const values = this.displacementTraces().flatMap((trace) => trace.y).filter((v) => v > 0);
      return { xaxis: { type: "log", title: { text: arrays.cell_widths ? "virtual width" : "width" }, ...ticks },
               yaxis: { type: "log", title: { text: escape(data.name).replace(" (", "<br>(") }, ...this.logTicks(values) } };
    }
    // Round numbers in full up to two and a half decades; beyond that Plotly's powers of ten do.
    logTicks(values) {
      const low = Math.log10(Math.min(...values)), high = Math.log10(Math.max(...values));
      if (!Number.isFinite(high - low) || high - low > 2.5) return {};
      const steps = high - low < 0.8 ? [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8] : high - low < 1.6 ? [1, 2, 5] : [1, 3];
      const ticks = range(Math.ceil(high) - Math.floor(low) + 2).flatMap((k) =>
        steps.map((s) => s * 10 ** (Math.floor(low) + k)));
      return { tickvals: ticks, ticktext: ticks.map((t) => write(t, 2)) };
    }
    widthColor(w) {
      const last = Math.max(data.widths.length - 1, 1);
      return RAMP[Math.round((w / last) * (RAMP.length - 1))];
    }
    curve(name, i, j, w, s) {
      const k = ((i * Y.values.length + j) * data.widths.length + w) * data.seeds.length + s;
      const begin = arrays.curve_begin.values;
      return [...arrays[name].values.subarray(begin[k], begin[k + 1])];
    }
    lossTraces() {
      const [i, j] = this.cell;
      return range(data.widths.length).flatMap((w) => range(data.seeds.length).map((s) => ({
        type: "scatter", mode: "lines", name: `width ${widthText(i, j, w)}`, legendgroup: String(w), showlegend: s === 0,
        x: this.curve("curve_time", i, j, w, s), y: this.curve("curve_loss", i, j, w, s), line: { color: this.widthColor(w), width: 1.5 },
        hovertemplate: `width ${widthText(i, j, w)}, seed ${data.seeds[s]}, ${escape(arrays.outcome.label(i, j, w, s))}<br>time %{x:.3g}<br>loss %{y:.3g}<extra></extra>`,
      })));
    }
    lossLayout() {
      return { showlegend: true, legend: { x: 0.01, y: 0.01, xanchor: "left", yanchor: "bottom", bgcolor: "rgba(0,0,0,0)" },
               xaxis: { type: "log", title: { text: "time of gradient flow" } }, yaxis: { type: "log", title: { text: "loss" } } };
    }
    weightsTraces() {
      const [i, j] = this.cell, polar = data.weightAxes[1] === "amplitude";
      const looks = { initial: ["#7f8792", 4, 0.6], early: ["#56b4e9", 4, 0.8], final: [ORANGE, 5, 0.7] };
      return data.weightTimes.map(([when, name]) => [when, name, ...looks[when]]).map(([when, name, color, size, opacity]) => {
        const row = arrays["weights_" + when].row(i, j), neurons = range(row.length / 2).filter((n) => Number.isFinite(row[2 * n]));
        return { type: "scatter", mode: "markers", name, x: neurons.map((n) => row[2 * n]), y: neurons.map((n) => row[2 * n + 1]),
                 marker: { color, size, opacity }, hovertemplate: `${name}<br>${polar ? "angle" : "first"} %{x:.3g}<br>${polar ? "amplitude" : "second"} %{y:.3g}<extra></extra>` };
      });
    }
    weightsLayout() {
      const polar = data.weightAxes[1] === "amplitude";
      return { showlegend: true, legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
               xaxis: { title: { text: data.weightAxes[0] }, ...(polar ? { range: [-185, 185], tickvals: [-180, -90, 0, 90, 180] } : {}) },
               yaxis: { title: { text: data.weightAxes[1] }, type: polar ? "log" : "linear" } };
    }
  }
  return [new PhaseMap()];
});
