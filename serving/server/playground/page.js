// A form of a model's inputs, its prediction as cells change, and the request as code. No other host is asked.
const NULL_INTEGER = "-9223372036854775808";
const WAIT_MS = 150;
const MOST_BARS = 15;
const element = (id) => document.getElementById(id);
let models = [];
let fields = [];
let timer = 0;
let latest = 0;

const headers = () => {
  const token = element("token").value;
  return token ? { Authorization: `Bearer ${token}` } : {};
};
const chosen = () => models[element("model").selectedIndex];

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

async function loadModels() {
  const response = await fetch("/playground/models", { headers: headers() });
  if (response.status === 401) {
    element("token-label").hidden = false;
    return showError("Enter the token of the server.");
  }
  models = await response.json();
  element("model").replaceChildren(...models.map((one) => make("option", { textContent: one.model })));
  if (!models.length) return showError("No model is loaded yet. Reload this page in a moment.");
  showModel();
}

function showModel() {
  const model = chosen();
  const names = model.examples.map((_, place) => make("option", { textContent: `row ${place + 1}` }));
  element("example").replaceChildren(...names);
  fields = model.inputs.map(makeField);
  element("form").replaceChildren(...fields.map((field) => field.label));
  showExample();
}

function makeField(input) {
  let control;
  if (input.kind === "file") {
    control = make("input", { type: "file" });
  } else if (input.choices) {
    control = make("select", {}, make("option", { value: "", textContent: "(missing)" }));
    control.append(...input.choices.map((choice) => make("option", { value: choice, textContent: choice })));
  } else if (input.kind === "number") {
    control = make("input", { type: "number", step: input.integer ? "1" : "any", inputMode: "decimal" });
    if (input.minimum !== undefined) control.min = input.minimum;
    if (input.maximum !== undefined) control.max = input.maximum;
  } else {
    control = make("input", { type: "text", autocomplete: "off" });
  }
  control.name = input.name;
  const field = { input, control, bytes: "" };
  const range = input.minimum !== undefined && input.maximum !== undefined ? `${input.minimum} to ${input.maximum}` : "";
  field.label = make("label", {}, make("span", { textContent: input.name }), control, make("small", { textContent: range }));
  control.addEventListener("input", () => (input.kind === "file" ? readFile(field) : changed()));
  return field;
}

function readFile(field) {
  const reader = new FileReader();
  reader.addEventListener("load", () => {
    field.bytes = reader.result.slice(reader.result.indexOf(",") + 1);
    changed();
  });
  if (field.control.files.length) reader.readAsDataURL(field.control.files[0]);
}

function showExample() {
  const row = chosen().examples[element("example").selectedIndex] || [];
  fields.forEach((field, place) => {
    const cell = row[place] ?? "";
    if (field.input.kind === "file") {
      field.bytes = cell.b64 || "";
      return;
    }
    const text = String(cell);
    if (field.input.choices && text && !field.input.choices.includes(text)) {
      field.control.append(make("option", { value: text, textContent: text }));
    }
    field.control.value = text;
  });
  predict();
}

// JSON as text: JSON.stringify has neither NaN nor integers of 64 bits, which stand for missing numbers.
function cellText(field) {
  if (field.input.kind === "file") return JSON.stringify({ b64: field.bytes });
  const text = field.control.value;
  if (field.input.kind !== "number") return JSON.stringify(text);
  return text === "" ? (field.input.integer ? NULL_INTEGER : "NaN") : String(Number(text));
}

function bodyText() {
  const cells = fields.map((field) => `${JSON.stringify(field.input.name)}: ${cellText(field)}`);
  return `{"signature_name": ${JSON.stringify(chosen().signature)}, "instances": [{${cells.join(", ")}}]}`;
}

function changed() {
  clearTimeout(timer);
  timer = setTimeout(predict, WAIT_MS);
}

const addressOf = (method) => `${location.origin}/v1/models/${encodeURIComponent(chosen().model)}:${method}`;

async function predict() {
  const address = addressOf("predict");
  const body = bodyText();
  showCode(address, body);
  latest += 1;
  const mine = latest;
  try {
    const response = await fetch(address, { method: "POST", headers: headers(), body });
    const text = await response.text();
    if (mine !== latest) return; // a newer request is on its way
    if (!response.ok) {
      element("contributions").replaceChildren();
      return showError(JSON.parse(text).error);
    }
    showPrediction(JSON.parse(text.replace(/\b(NaN|-?Infinity)\b/g, "null")).predictions[0]);
    await explain(body, mine);
  } catch (error) {
    if (mine === latest) showError(`The server does not answer: ${error.message}`);
  }
}

const shown = (value) => (value === null ? "not a number" : typeof value === "number" ? String(+value.toPrecision(6)) : String(value));

function showPrediction(prediction) {
  const outputs = prediction !== null && typeof prediction === "object" && !Array.isArray(prediction) ? prediction : { prediction };
  const parts = Object.entries(outputs).map(([name, value]) => {
    if (!Array.isArray(value)) {
      return make("p", {}, make("small", { textContent: `${name} ` }), make("output", { className: "value", textContent: shown(value) }));
    }
    const rows = value.map((one, place) =>
      make("tr", {},
        make("th", { scope: "row", textContent: name === "probabilities" ? (chosen().classes[place] ?? place) : place }),
        make("td", { className: "number", textContent: shown(one) }),
        make("td", {}, typeof one === "number" && name === "probabilities" ? make("meter", { min: 0, max: 1, value: one }) : "")));
    return make("table", {}, make("caption", { textContent: name }), ...rows);
  });
  element("prediction").replaceChildren(...parts);
  element("version").textContent = `${chosen().model}, version ${chosen().version} when this page was opened`;
}

async function explain(body, mine) {
  const response = await fetch(addressOf("explain"), { method: "POST", headers: headers(), body });
  const text = await response.text();
  if (mine !== latest) return;
  if (!response.ok) {
    return element("contributions").replaceChildren(make("p", {}, make("small", { textContent: JSON.parse(text).error })));
  }
  showContributions(JSON.parse(text.replace(/\b(NaN|-?Infinity)\b/g, "null")).explanations[0]);
}

function bar(value, largest) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const length = largest ? (100 * Math.abs(value)) / largest : 0;
  drawing.setAttribute("viewBox", "0 0 200 16");
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("aria-hidden", "true"); // the number beside it says the same
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const sizes = { x: value < 0 ? 100 - length : 100, y: 2, width: length, height: 12, class: value < 0 ? "down" : "up" };
  Object.entries(sizes).forEach(([name, size]) => shape.setAttribute(name, size));
  drawing.append(shape);
  return drawing;
}

function showContributions(explanation) {
  const sorted = Object.entries(explanation.contributions).sort((one, other) => Math.abs(other[1]) - Math.abs(one[1]));
  const largest = sorted.length ? Math.abs(sorted[0][1]) : 0;
  const signed = (value) => (value > 0 ? "+" : "") + shown(value);
  const rows = sorted.slice(0, MOST_BARS).map(([column, value]) =>
    make("tr", {},
      make("th", { scope: "row", textContent: column }),
      make("td", { className: "number", textContent: signed(value) }),
      make("td", { className: "bar" }, bar(value, largest))));
  const rest = sorted.slice(MOST_BARS).reduce((sum, one) => sum + one[1], 0);
  if (sorted.length > MOST_BARS) {
    rows.push(make("tr", {},
      make("th", { scope: "row", textContent: `${sorted.length - MOST_BARS} more` }),
      make("td", { className: "number", textContent: signed(rest) }), make("td")));
  }
  const of = explanation.class ? `probability of ${explanation.class}` : "cluster" in explanation ? `distance from centre ${explanation.cluster}` : explanation.output;
  const caption = `${of}: from ${shown(explanation.base_value)}, the mean of training rows, to ${shown(explanation.value)}`;
  const notes = Object.entries(explanation.unexplained || {}).map(([column, reason]) =>
    make("p", {}, make("small", { textContent: `${column} has no contribution: ${reason}.` })));
  element("contributions").replaceChildren(make("table", {}, make("caption", { textContent: caption }), ...rows), ...notes);
}

function showError(message) {
  element("prediction").replaceChildren(make("p", { className: "error", textContent: message }));
}

function showCode(address, body) {
  const quoted = body.replaceAll("'", "'\\''");
  const token = element("token").value ? " -H 'Authorization: Bearer TOKEN'" : "";
  element("curl").textContent = `curl '${address}'${token} -d '${quoted}'`;
  const header = element("token").value ? ', headers={"Authorization": "Bearer TOKEN"}' : "";
  element("python").textContent = [
    "import json",
    "import urllib.request",
    "",
    `body = ${JSON.stringify(body)}`,
    `request = urllib.request.Request(${JSON.stringify(address)}, body.encode()${header})`,
    "print(json.load(urllib.request.urlopen(request)))",
  ].join("\n");
}

element("model").addEventListener("change", showModel);
element("example").addEventListener("change", showExample);
element("token").addEventListener("change", loadModels);
element("form").addEventListener("submit", (event) => event.preventDefault());
document.querySelectorAll("[data-copy]").forEach((button) =>
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(element(button.dataset.copy).textContent);
    button.textContent = "Copied";
  }));
loadModels();
