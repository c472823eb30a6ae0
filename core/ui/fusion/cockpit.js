// The Fusion page's cockpit: every move of a weight is answered here, and told to the server once,
// when the slider is let go. Nothing is fetched, and text from files is only ever set as text.

// ---- Ranking: the same float32 arithmetic as core/fusion, to the last rank -------------------

/** One user's parts from what the server packed: little-endian float32 as base64. */
export function unpack(list) {
  const floats = (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Float32Array.from({ length: bytes.length / 4 }, (_, at) => view.getFloat32(4 * at, true));
  };
  return {
    source: floats(list.source),
    target: floats(list.target),
    base: floats(list.base),
    hasSource: list.has_source,
    hasTarget: list.has_target,
  };
}

/** alpha and beta as they act for this user: evidence from one domain alone counts in full. */
export function actingWeights(parts, alpha, beta) {
  const both = parts.hasSource && parts.hasTarget;
  return [Math.fround(both ? alpha : +parts.hasSource), Math.fround(both ? beta : +parts.hasTarget)];
}

/** Positions of the candidates, the best first; equal scores stand in the order they came in. */
export function ranked(parts, alpha, beta) {
  const [ofSource, ofTarget] = actingWeights(parts, alpha, beta);
  const { source, target, base } = parts;
  // Rounded after every step, as NumPy does; a Float32Array rounds what is put into it
  const scores = new Float32Array(source.length);
  for (let at = 0; at < scores.length; at++) {
    scores[at] = Math.fround(Math.fround(ofSource * source[at]) + base[at]);
    scores[at] += Math.fround(ofTarget * target[at]);
  }
  const order = Array.from(scores, (_, at) => at);
  return order.sort((one, other) => scores[other] - scores[one] || one - other);
}

// ---- Numbers as the pages write them -----------------------------------------------------------

export function number(value, digits = 3) {
  if (value === null || !Number.isFinite(value)) return "–";
  if (Number.isInteger(value) && Math.abs(value) >= 10) return value.toLocaleString("en-US");
  const text = value.toFixed(digits);
  if (Number(text) === 0) return text.replace("-", "").replace(/^0/, "");
  return text.replace(/^(-?)0\./, "$1.").replace("-", "−");
}

export function signed(value, digits = 3) {
  return (value > 0 ? "+" : "") + number(value, digits);
}

/** Digits at which no end of an interval reads zero though it is none. */
export function telling(low, high, digits) {
  const ends = [low, high].filter((end) => Number(end.toFixed(digits + 2)) !== 0);
  for (const more of [digits, digits + 1]) {
    if (ends.every((end) => Number(end.toFixed(more)) !== 0)) return more;
  }
  return digits + 2;
}

/** alpha : beta with 1 for the larger. */
export function ratio(alpha, beta) {
  if (!alpha && !beta) return "nothing";
  if (!beta) return "source only";
  if (!alpha) return "target only";
  const larger = Math.max(alpha, beta);
  const short = (weight) => String(Number((weight / larger).toPrecision(2)));
  return `${short(alpha)} : ${short(beta)}`;
}

const shareOf = (alpha, beta) => (alpha + beta ? alpha / (alpha + beta) : null);

/** Rows of numbers at the shares of a grid, at any share: straight lines between two of them. */
export function between(shares, rows, share) {
  const last = shares.length - 1;
  const after = Math.min(last, Math.max(1, shares.findIndex((one) => one >= share)));
  const part = (share - shares[after - 1]) / (shares[after] - shares[after - 1]);
  const exact = part < 1e-9 ? after - 1 : part > 1 - 1e-9 ? after : null;
  if (exact !== null) return { numbers: rows[exact], exact: true };
  const mixed = rows[after - 1].map((one, at) => {
    const other = rows[after][at];
    return one === null || other === null ? null : one + part * (other - one);
  });
  return { numbers: mixed, exact: false };
}

// ---- Building ----------------------------------------------------------------------------------

function element(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

function drawn(tag, attributes = {}, text = null) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== null) made.textContent = text;
  return made;
}

/** Set a text only where it differs: a browser lays out anew whatever is set. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function buildSlider(letter, place) {
  const name = element("span", { class: "name" });
  const value = element("output", { class: "value", "aria-hidden": "true" });
  const range = element("input", { type: "range", min: "0", max: "1", step: "0.01" });
  const label = element("label", { class: letter }, element("span", { class: "above" }, name, value), range);
  place.append(label);
  return { name, value, range };
}

function buildTile(place) {
  const title = element("span", { class: "title" });
  const value = element("span", { class: "figure" });
  const gain = element("span", { class: "gain" });
  const under = element("span", { class: "under" });
  const help = element("div", { popover: "", class: "about", id: `about-${place.children.length}` });
  const ask = element("button", { type: "button", class: "ask", popovertarget: help.id }, "?");
  help.addEventListener("beforetoggle", () => {
    const at = ask.getBoundingClientRect();
    help.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - 340))}px`;
    help.style.top = `${at.bottom + 6}px`;
  });
  const row = element("div", { class: "numbers" }, value, gain);
  place.append(element("div", { class: "tile" }, element("div", { class: "head" }, title, ask), help, row, under));
  return { title, ask, help, value, gain, under };
}

function buildRow() {
  const parts = Object.fromEntries(["place", "title", "hit", "mark"].map((name) => [name, element("span", { class: name })]));
  const source = element("span", { class: "source" });
  const target = element("span", { class: "target" });
  const line = element("div", { class: "line" }, parts.place, parts.title, parts.hit, parts.mark);
  const bar = element("div", { class: "bar", "aria-hidden": "true" }, source, target);
  parts.place.setAttribute("aria-hidden", "true"); // the list counts by itself
  return { ...parts, source, target, row: element("li", {}, line, bar) };
}

// ---- The curve ---------------------------------------------------------------------------------

const HEIGHT = 344;
const EDGE = { left: 46, top: 24, bottom: 46 };
const LETTER = 7.2; // pixels of a letter of a segment's name

/** Where a share of source evidence and a value lie, and the ends of what is shown. */
function scalesOf(curve, width) {
  const right = 14 + LETTER * Math.max(0, ...curve.lines.map((line) => line.name.length + 3));
  const values = [curve.low, curve.high, curve.mean, ...curve.lines.map((line) => line.mean)].flat();
  const known = values.filter((value) => value !== null);
  const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
  const room = (high - low || 0.1) * 0.05;
  const perUnit = (HEIGHT - EDGE.top - EDGE.bottom) / (high - low + 2 * room);
  const x = (share) => EDGE.left + share * (width - EDGE.left - right);
  const y = (value) => EDGE.top + (high + room - value) * perUnit;
  const point = (value, at) => (value === null ? "" : `${x(curve.shares[at]).toFixed(1)},${y(value).toFixed(1)}`);
  return { x, y, low, high, bottom: HEIGHT - EDGE.bottom, points: (row) => row.map(point) };
}

/** The grey of what is as good as the best, the grid and the words at both axes. */
function drawGround(curve, names, { x, y, low, high, bottom }) {
  const half = (curve.shares[1] - curve.shares[0]) / 2;
  const near = curve.shares.filter((_, at) => curve.near[at]).map((share) => {
    const [from, to] = [x(Math.max(0, share - half)), x(Math.min(1, share + half))];
    return drawn("rect", { class: "near", x: from, y: EDGE.top, width: to - from, height: bottom - EDGE.top });
  });
  const grid = ticks(low, high).flatMap((tick) => [
    drawn("line", { class: "grid", x1: x(0), x2: x(1), y1: y(tick), y2: y(tick) }),
    drawn("text", { class: "tick", x: EDGE.left - 8, y: y(tick) + 4, "text-anchor": "end" }, number(tick, 2)),
  ]);
  const [source, target] = names.map((name) => (name.length > 12 ? `${name.slice(0, 11)}…` : name));
  const marks = [[0, `${target} only`], [0.25, "1 : 3"], [0.5, "1 : 1"], [0.75, "3 : 1"], [1, `${source} only`]];
  const words = marks.map(([share, text]) => {
    const place = share ? { x: x(share), "text-anchor": "middle" } : { x: x(0) - 10, "text-anchor": "start" };
    return drawn("text", { class: "tick", y: HEIGHT - 26, ...place }, text);
  });
  const axis = drawn("text", { class: "axis", x: x(0.5), y: HEIGHT - 6, "text-anchor": "middle" }, `${source} : ${target}`);
  return [...near, ...grid, ...words, axis];
}

/** The band, a line per segment with its name at its end, and the mean over them. */
function drawLines(curve, { x, y, points }) {
  const made = [];
  if (curve.low.every((value) => value !== null)) {
    const around = [...points(curve.high), ...points(curve.low).reverse()];
    made.push(drawn("polygon", { class: "band", points: around.join(" ") }));
  }
  let lowest = Infinity;
  for (const line of [...curve.lines].sort((one, other) => one.mean.at(-1) - other.mean.at(-1))) {
    lowest = Math.min(y(line.mean.at(-1)), lowest - 17); // names of lines that end together stand apart
    made.push(
      drawn("polyline", { class: "segment", points: points(line.mean).join(" "), stroke: line.colour }),
      drawn("circle", { cx: x(line.dot[0]), cy: y(line.dot[1]), r: 5.5, fill: line.colour }),
      drawn("rect", { x: x(1) + 8, y: lowest - 5, width: 9, height: 9, fill: line.colour }),
      drawn("text", { class: "tick", x: x(1) + 21, y: lowest + 4 }, line.name),
    );
  }
  return [...made, drawn("polyline", { class: "mean", points: points(curve.mean).join(" ") })];
}

/** Draw all of the curve; returns its scales and what of it follows the weights. */
function drawCurve(svg, curve, names, pinned, width) {
  const scales = scalesOf(curve, width);
  const { x, bottom } = scales;
  const made = [...drawGround(curve, names, scales), ...drawLines(curve, scales)];
  if (pinned !== null) {
    const [aside, anchor] = pinned > 0.5 ? [-5, "end"] : [5, "start"];
    made.push(
      drawn("line", { class: "pin", x1: x(pinned), x2: x(pinned), y1: EDGE.top, y2: bottom }),
      drawn("text", { class: "tick", x: x(pinned) + aside, y: bottom - 6, "text-anchor": anchor }, "pinned"),
    );
  }
  const words = drawn("text", { class: "where", x: 0, y: EDGE.top - 10 });
  const dot = drawn("circle", { class: "at", r: 6.5 });
  const moving = drawn("g");
  moving.append(drawn("line", { class: "here", x1: 0, x2: 0, y1: EDGE.top - 4, y2: bottom }), words, dot);
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  svg.replaceChildren(...made, moving);
  return { ...scales, moving, dot, words };
}

function ticks(low, high) {
  const rough = (high - low || 0.1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((part) => part * power).find((size) => size >= rough);
  const found = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + 1e-12; tick += step) found.push(tick);
  return found;
}

// ---- The cockpit -------------------------------------------------------------------------------

const PATIENCE = 10_000; // milliseconds after which an answer of the server is given up
const SETTLED = { keys: 300, pointer: 0, spoken: 600 }; // milliseconds of quiet before it is told

/** Everything that is shown, empty, in the order in which it is read. */
function build(root) {
  const pieces = {
    formula: element("div", { class: "formula" }),
    sliders: element("div", { class: "sliders" }),
    tiles: element("div", { class: "tiles" }),
    svg: drawn("svg", { class: "curve", role: "img" }),
    title: element("h3", { class: "heading" }),
    under: element("p", { class: "note" }),
    who: element("h3", { class: "heading" }),
    legend: element("p", { class: "note" }),
    list: element("ol", { role: "list", "aria-label": "The list at these weights" }),
    left: element("p", { class: "note left" }),
    live: element("div", { class: "hidden", role: "status", "aria-live": "polite" }),
    shown: [],
    rows: [],
    curve: null, // as it was drawn last
  };
  const { formula, sliders, tiles, svg, title, under, who, legend, list, left, live } = pieces;
  const curve = element("section", {}, title, svg, under);
  const panels = element("div", { class: "panels" }, curve, element("section", {}, who, legend, list, left));
  const cockpit = element("div", { class: "cockpit" }, formula, sliders, tiles, panels, live);
  root.append(element("div", { class: "around" }, cockpit));
  pieces.controls = { alpha: buildSlider("alpha", sliders), beta: buildSlider("beta", sliders) };
  return pieces;
}

/** Hear what a person does: every move is painted, and the server is told once it is let go. */
function listen(state, pieces) {
  let frame = 0;
  const soon = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => paint(state, pieces));
  };
  const tell = () => {
    state.told = null;
    const { data, setTriggerValue } = state.component;
    if (state.alpha === data.alpha && state.beta === data.beta && state.asked === null) return;
    state.asked = Date.now();
    setTriggerValue("weights", { alpha: state.alpha, beta: state.beta, told: state.asked });
  };
  const take = () => Object.assign(state, { moving: true, keyed: false });
  const move = (weights) => {
    clearTimeout(state.told); // not let go yet
    state.told = null;
    Object.assign(state, weights);
    soon();
  };
  const letGo = () => {
    state.moving = false;
    clearTimeout(state.told);
    state.told = setTimeout(tell, state.keyed ? SETTLED.keys : SETTLED.pointer);
  };
  for (const [letter, { range }] of Object.entries(pieces.controls)) {
    range.addEventListener("pointerdown", take);
    for (const end of ["pointerup", "pointercancel"]) range.addEventListener(end, () => (state.moving = false));
    range.addEventListener("keydown", () => (state.keyed = true));
    range.addEventListener("input", () => move({ [letter]: Number(range.value) }));
    range.addEventListener("change", letGo);
  }
  dragCurve(pieces, take, move, letGo);
  new ResizeObserver(() => {
    if (!state.component) return;
    drawStill(state, pieces);
    soon();
  }).observe(pieces.svg.parentElement);
}

/** The curve is dragged like a slider: where the pointer is, there is the ratio. */
function dragCurve(pieces, take, move, letGo) {
  const { svg } = pieces;
  const follow = (event) => {
    const { x } = pieces.curve;
    const place = event.clientX - svg.getBoundingClientRect().left;
    const share = Math.min(1, Math.max(0, (place - x(0)) / (x(1) - x(0))));
    const weight = (part) => Math.round((100 * part) / Math.max(share, 1 - share)) / 100;
    move({ alpha: weight(share), beta: weight(1 - share) });
  };
  svg.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    svg.setPointerCapture(event.pointerId);
    take();
    follow(event);
  });
  svg.addEventListener("pointermove", (event) => svg.hasPointerCapture(event.pointerId) && follow(event));
  svg.addEventListener("pointerup", letGo);
  svg.addEventListener("pointercancel", letGo);
}

/** Take up what the server sends: at first, and after every run of its script. */
function answer(state, pieces, component) {
  const { data } = component;
  state.component = component;
  // An answer to an earlier message says where the weights were; they have been moved since
  const answered = state.asked === null || data.told === state.asked || Date.now() - state.asked > PATIENCE;
  if (answered) state.asked = null;
  if (answered && !state.moving && state.told === null) Object.assign(state, { alpha: data.alpha, beta: data.beta });
  state.parts = unpack(data.list);
  state.before = new Map(ranked(state.parts, 1, 1).slice(0, data.list.depth).map((at, place) => [at, place + 1]));
  while (pieces.shown.length < data.tiles.length) pieces.shown.push(buildTile(pieces.tiles));
  drawStill(state, pieces);
  paint(state, pieces);
}

/** What stays while a weight moves: names, words and the curve. */
function drawStill(state, pieces) {
  const { data } = state.component;
  const { curve, list } = data;
  ["alpha", "beta"].forEach((letter, at) => {
    const { name, range } = pieces.controls[letter];
    name.replaceChildren(element("b", {}, letter), `, weight of ${data.names[at]}`);
    range.setAttribute("aria-label", `${letter}, weight of ${data.names[at]}`);
  });
  data.tiles.forEach((tile, at) => {
    const { title, ask, help } = pieces.shown[at];
    say(title, tile.title);
    say(help, tile.help);
    ask.setAttribute("aria-label", `About ${tile.title}`);
  });
  say(pieces.title, curve.title);
  const segments = curve.by ? ` Lines: users by ${curve.by}, a dot at the ratio to use.` : "";
  say(pieces.under, `Green: all users, 95 % band. Grey: as good as the best.${segments}`);
  pieces.svg.setAttribute("aria-label", `${curve.metric} on validation at every ratio. ${curve.title}.`);
  pieces.who.replaceChildren(list.user, element("span", { class: "light" }, ` · ${list.in.join(" · ")}`));
  const key = (kind, at) => element("span", { class: `key ${kind}` }, `from ${data.names[at]}`);
  pieces.legend.replaceChildren(key("source", 0), key("target", 1), "✓ held out");
  if (list.still) pieces.legend.append(element("span", { class: "still" }, list.still));
  const width = pieces.svg.parentElement.clientWidth || 560;
  pieces.curve = drawCurve(pieces.svg, curve, data.names, data.pinned, width);
}

/** One frame: everything that follows the weights. */
function paint(state, pieces) {
  const { data } = state.component;
  const { alpha, beta } = state;
  const share = shareOf(alpha, beta);
  const where = ratio(alpha, beta);
  for (const [at, letter] of ["alpha", "beta"].entries()) {
    const { range, value } = pieces.controls[letter];
    if (Number(range.value) !== state[letter]) range.value = String(state[letter]);
    range.style.setProperty("--at", `${100 * state[letter]}%`);
    range.setAttribute("aria-valuetext", `${state[letter].toFixed(2)}, ${data.names.join(" to ")} ${where}`);
    say(value, state[letter].toFixed(2));
    pieces.formula.children[at] || pieces.formula.append(element("span", { class: letter }));
    say(pieces.formula.children[at], `${state[letter].toFixed(2)}${data.formula[at]}`);
  }
  pieces.formula.children[2] || pieces.formula.append(element("span", { class: "light" }));
  say(pieces.formula.children[2], where === "nothing" ? "nothing is ranked" : `you are at ${where}`);
  paintTiles(state, pieces, share);
  paintCurve(state, pieces, share, where);
  paintList(state, pieces);
  speak(state, pieces, where);
}

function paintTiles(state, pieces, share) {
  const { data } = state.component;
  const known = state.alpha === data.alpha && state.beta === data.beta;
  const equal = share !== null && Math.abs(share - 0.5) < 1e-9;
  data.tiles.forEach((tile, at) => {
    const { value, gain, under } = pieces.shown[at];
    const nothing = { numbers: [null, null, null, null], exact: true };
    const found = known
      ? { numbers: data.here[at], exact: true }
      : share === null ? nothing : between(data.curve.shares, tile.at, share);
    const [mean, more, low, high] = found.numbers;
    say(value, `${found.exact ? "" : "≈ "}${number(mean, 4)}`);
    const sure = low !== null && (low > 0 || high < 0);
    const digits = low === null ? 3 : telling(low, high, 3);
    say(gain, equal || more === null ? "" : signed(more, digits));
    gain.className = `gain ${!sure ? "" : more > 0 ? "better" : "worse"}`;
    const interval = low === null ? "" : `95 % ${signed(low, digits)} to ${signed(high, digits)} `;
    say(under, equal ? "at 1 : 1" : more === null ? "" : `${interval}against 1 : 1`);
  });
}

function paintCurve(state, pieces, share, where) {
  const { x, y, moving, dot, words } = pieces.curve;
  const { curve } = state.component.data;
  moving.style.display = share === null ? "none" : "";
  if (share === null) return;
  moving.setAttribute("transform", `translate(${x(share).toFixed(1)} 0)`);
  const [mean] = between(curve.shares, curve.mean.map((value) => [value]), share).numbers;
  if (mean !== null) dot.setAttribute("cy", y(mean).toFixed(1));
  words.setAttribute("text-anchor", share < 0.12 ? "start" : share > 0.88 ? "end" : "middle");
  say(words, where);
}

function paintList(state, pieces) {
  const { list } = state.component.data;
  const { parts, before, alpha, beta } = state;
  const order = ranked(parts, alpha, beta);
  const first = order.slice(0, list.k);
  state.first = first;
  const [ofSource, ofTarget] = actingWeights(parts, alpha, beta);
  const source = first.map((at) => ofSource * parts.source[at]);
  const target = first.map((at) => ofTarget * parts.target[at]);
  // Where a part falls below zero it is drawn from the lowest of the list: better is always longer
  const lowest = [Math.min(0, ...source), Math.min(0, ...target)];
  const lengths = first.map((_, row) => [source[row] - lowest[0], target[row] - lowest[1]]);
  const longest = Math.max(0, ...lengths.map(([one, other]) => one + other)) || 1;
  while (pieces.rows.length < first.length) {
    const row = buildRow();
    pieces.rows.push(row);
    pieces.list.append(row.row);
  }
  pieces.rows.splice(first.length).forEach((row) => row.row.remove());
  first.forEach((at, place) => {
    const row = pieces.rows[place];
    say(row.place, String(place + 1));
    say(row.title, list.titles[at]);
    if (row.title.title !== list.titles[at]) row.title.title = list.titles[at];
    say(row.hit, list.hits[at] ? "✓" : "");
    row.row.classList.toggle("held-out", list.hits[at]);
    const was = before.get(at);
    const [mark, sense] = markOf(was, place + 1, list.depth);
    say(row.mark, mark);
    if (row.mark.dataset.sense !== sense) row.mark.dataset.sense = sense;
    const [ours, theirs] = lengths[place].map((length) => length / longest);
    row.source.style.transform = `scaleX(${ours.toFixed(4)})`;
    row.target.style.transform = `translateX(${(100 * ours).toFixed(2)}%) scaleX(${theirs.toFixed(4)})`;
  });
  const there = new Set(first);
  const out = [...before].filter(([at, place]) => place <= list.k && !there.has(at));
  const found = first.filter((at) => list.hits[at]).length;
  const hits = `${found} held-out item${found === 1 ? "" : "s"} in the top ${list.k}.`;
  const gone = out.map(([at, place]) => `${list.titles[at]} (was ${place})`).join(", ");
  say(pieces.left, gone ? `${hits} Left it: ${gone}.` : hits);
  pieces.left.title = gone;
}

/** Where an item comes from, by its rank at 1 : 1. */
export function markOf(was, rank, depth) {
  if (was === undefined) return [`▲ from beyond ${depth}`, "up"];
  if (was === rank) return ["=", "same"];
  return was > rank ? [`▲ from ${was}`, "up"] : [`▼ from ${was}`, "down"];
}

/** A sentence for screen readers once the weights rest. */
function speak(state, pieces, where) {
  clearTimeout(state.spoken);
  state.spoken = setTimeout(() => {
    const { tiles, list } = state.component.data;
    const [shown] = pieces.shown;
    const gain = shown.gain.textContent ? `, ${shown.gain.textContent} against 1 : 1` : "";
    const top = state.first.length ? ` First in the list: ${list.titles[state.first[0]]}.` : "";
    say(pieces.live, `${where}. ${tiles[0].title} ${shown.value.textContent}${gain}.${top}`);
  }, SETTLED.spoken);
}

const cockpits = new WeakMap(); // by the root they stand in, so that an answer moves what is there

export default function (component) {
  const root = component.parentElement;
  if (!cockpits.has(root)) {
    const state = { alpha: 1, beta: 1, asked: null, moving: false, keyed: false, told: null, spoken: null };
    const pieces = build(root);
    listen(state, pieces);
    cockpits.set(root, (next) => answer(state, pieces, next));
  }
  cockpits.get(root)(component);
}
