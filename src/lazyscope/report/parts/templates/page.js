// How does a page draw its figures? One spec per figure, filtered by selectors and legends, in the reader's theme.
"use strict";
const lazyscope = (() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 720px)");
  const PRINT = { paper: "#ffffff", ink: "#1a1d21", muted: "#5b636e", rule: "#dcdfe4", grid: "#eceef1", wash: "#f5f6f8" };
  let printing = false;
  const isPrinting = () => printing;
  const isDark = () => dark.matches && !printing;
  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function fail(error) {
    const box = document.getElementById("page-error");
    box.textContent = "A figure could not be drawn: " + (error && error.message ? error.message : error);
    box.hidden = false;
    console.error(error);
  }

  // Long data are compressed; the browser's own reader of gzip opens them.
  async function read(element) {
    if (element.dataset.packed !== "gzip") return JSON.parse(element.textContent);
    const bytes = Uint8Array.from(atob(element.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  }

  // Colours that are too dark for a dark page are mixed with white.
  function lift(hex) {
    const rgb = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
    const light = (0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]) / 255;
    const mix = Math.max(0, Math.min(0.6, (0.52 - light) * 1.4));
    return "#" + rgb.map((c) => Math.round(c + (255 - c) * mix).toString(16).padStart(2, "0")).join("");
  }
  // Colour scales keep their colours, and so do traces that already use those of the theme.
  function themed(value, key) {
    if (!isDark() || key === "colorscale" || ArrayBuffer.isView(value)) return value;
    if (typeof value === "string") return /^#[0-9a-f]{6}$/.test(value) ? lift(value) : value;
    if (Array.isArray(value)) return value.map((item) => themed(item));
    if (!value || typeof value !== "object" || (value.meta && value.meta.asIs)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, themed(item, name)]));
  }

  function pageColors() {
    if (printing) return PRINT;
    return Object.fromEntries(Object.keys(PRINT).map((name) => [name, variable("--" + name)]));
  }

  function merge(base, extra) {
    const out = { ...base };
    for (const [key, value] of Object.entries(extra || {})) {
      const plain = value && typeof value === "object" && !Array.isArray(value);
      out[key] = plain ? merge(out[key] || {}, value) : value;
    }
    return out;
  }

  function dressed(layout, colors, small) {
    const axis = {
      automargin: true, showline: true, linecolor: colors.muted, linewidth: 1, ticks: "outside", ticklen: 4,
      tickcolor: colors.muted, gridcolor: colors.grid, zeroline: false, exponentformat: "power", minorloglabels: "none",
      tickfont: { size: small ? 11 : 12 }, title: { standoff: 8, font: { size: small ? 12 : 13 } },
    };
    const out = merge({
      autosize: false, paper_bgcolor: colors.paper, plot_bgcolor: colors.paper, showlegend: false, hovermode: "closest",
      font: { family: variable("--sans"), size: 12, color: colors.ink }, margin: { l: 12, r: 12, t: 10, b: 12 },
      hoverlabel: { bgcolor: colors.wash, bordercolor: colors.rule, align: "left",
                    font: { family: variable("--sans"), size: 12, color: colors.ink } },
      dragmode: narrow.matches ? false : "zoom",
    }, layout);
    for (const name of Object.keys(out).filter((key) => /^[xy]axis\d*$/.test(key))) out[name] = merge(axis, out[name]);
    for (const name of ["xaxis", "yaxis"]) out[name] = out[name] || axis;
    for (const shape of out.shapes || []) shape.line = { color: colors.muted, width: 1.5, ...shape.line };
    return out;
  }
  // A saved figure is always light and brings its legend along.
  function picture(view, panel) {
    printing = true;
    try {
      const layout = merge(dressed(view.layout(panel), pageColors(), false), {
        showlegend: true, width: 900, height: 600, margin: { l: 70, r: 20, t: 50, b: 60 },
        title: { text: view.name(panel), font: { size: 15 }, x: 0.02 }, legend: { font: { size: 12 }, itemsizing: "constant" },
      });
      return { data: view.traces(panel), layout };
    } finally {
      printing = false;
    }
  }
  function save(view, panel) {
    const filename = "lazyscope-" + view.anchor + "-" + (panel + 1);
    return Plotly.downloadImage(picture(view, panel), { format: "svg", width: 900, height: 600, filename });
  }
  function config(view, panel) {
    return {
      displaylogo: false, displayModeBar: narrow.matches ? false : "hover",
      modeBarButtons: [[
        { name: "Save as SVG", icon: Plotly.Icons.camera, click: () => save(view, panel).catch(fail) },
        "zoom2d", "pan2d", "resetScale2d"]],
    };
  }

  // Plots that belong together. A view knows its elements, and the traces, layout and name of each.
  // Draws never overlap: Plotly fits margins in rounds, and two draws of one plot at a time undo each
  // other's rounds without end. What is asked for meanwhile is drawn once, afterwards.
  class View {
    draw() {
      this.wanted = true;
      if (!this.drawing) this.drawing = this.drawAll().finally(() => { this.drawing = null; });
      return this.drawing;
    }
    async drawAll() {
      while (this.wanted) {
        this.wanted = false;
        for (let panel = 0; panel < this.elements.length; panel += 1) await this.drawPanel(panel);
      }
    }
    drawNow() {
      for (let panel = 0; panel < this.elements.length; panel += 1) this.drawPanel(panel).catch(fail);
    }
    async drawPanel(panel) {
      const element = this.elements[panel], small = this.elements.length > 2 || narrow.matches;
      const size = { width: element.clientWidth, height: element.clientHeight };
      const layout = dressed({ ...this.layout(panel), ...size }, pageColors(), small);
      await Plotly.react(element, themed(this.traces(panel)), layout, config(this, panel));
    }
    follow() {
      const size = () => this.elements.map((e) => e.clientWidth + "x" + e.clientHeight).join();
      let drawn = size();
      const observer = new ResizeObserver(() => {
        if (size() === drawn) return;
        drawn = size();
        this.draw().catch(fail);
      });
      for (const element of this.elements) observer.observe(element);
    }
  }

  class Figure extends View {
    constructor(section) {
      super();
      this.section = section;
      this.anchor = section.dataset.figure;
      this.elements = [...section.querySelectorAll(".panel")];
      this.hidden = new Set();
      this.selects = [...section.querySelectorAll("select")];
      for (const select of this.selects) select.addEventListener("change", () => this.draw().catch(fail));
      for (const button of section.querySelectorAll(".legend button")) {
        button.addEventListener("click", () => this.toggle(button));
      }
    }
    async load() {
      this.spec = await read(this.section.querySelector(".figure-data"));
      return this;
    }
    toggle(button) {
      const name = button.dataset.key + "=" + button.dataset.value;
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      if (shown) this.hidden.delete(name); else this.hidden.add(name);
      this.draw().catch(fail);
    }
    shows(trace) {
      const meta = trace.meta || {};
      const chosen = this.selects.every((select) => {
        const value = meta[select.dataset.key];
        return value === undefined || select.value === "*" || String(value) === select.value;
      });
      return chosen && !Object.entries(meta).some(([key, value]) => this.hidden.has(key + "=" + value));
    }
    name(panel) {
      const title = this.section.querySelector("h2").lastChild.textContent;
      return this.spec.panels[panel].title ? title + ": " + this.spec.panels[panel].title : title;
    }
    traces(panel) {
      return structuredClone(this.spec.panels[panel].data.filter((trace) => this.shows(trace)));
    }
    layout(panel) {
      let layout = structuredClone(this.spec.panels[panel].layout);
      for (const select of this.selects) {
        layout = merge(layout, (this.spec.layouts[select.dataset.key] || {})[select.value]);
      }
      return layout;
    }
  }

  const figures = [];
  const makers = [() => Promise.all([...document.querySelectorAll("section[data-figure]")].map((s) => new Figure(s).load()))];
  async function start() {
    for (const make of makers) figures.push(...(await make()));
    await redraw();
    for (const figure of figures) figure.follow();
    printed();
    dark.addEventListener("change", () => redraw().catch(fail));
    narrow.addEventListener("change", () => redraw().catch(fail));
  }
  function recolor() {
    for (const swatch of document.querySelectorAll(".swatch[data-color]")) {
      swatch.style.color = isDark() ? lift(swatch.dataset.color) : swatch.dataset.color;
    }
  }
  // The first figure is drawn before the others; both times are told in milliseconds since the page was opened.
  async function redraw() {
    recolor();
    const told = document.documentElement.dataset;
    for (const figure of figures) {
      await figure.draw();
      told.first = told.first || String(Math.round(performance.now()));
    }
    told.time = told.time || String(Math.round(performance.now()));
    told.drawn = String(figures.length);
  }
  // On paper everything that is folded is open, figures are as narrow as the paper, and light.
  function printed() {
    const opened = [];
    const all = () => { for (const figure of figures) figure.drawNow(); };
    window.addEventListener("beforeprint", () => {
      for (const held of document.querySelectorAll("details:not([open])")) { held.open = true; opened.push(held); }
      document.documentElement.classList.add("printing");
      printing = true;
      all();
    });
    window.addEventListener("afterprint", () => {
      for (const held of opened.splice(0)) held.open = false;
      document.documentElement.classList.remove("printing");
      printing = false;
      all();
    });
  }
  document.addEventListener("DOMContentLoaded", () => start().catch(fail));
  return { View, makers, figures, fail, read, picture, pageColors, lift, isDark, isPrinting };
})();
