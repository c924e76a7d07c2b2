// Hands the page's data to the libraries; everything else is theirs.

// Each block of data is JSON, compressed by gzip, in base64.
async function block(name) {
  const packed = JSON.parse(document.getElementById(`data-${name}`).textContent);
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

// The libraries are blocks too; the policy has their hashes, and lets nothing else run.
for (const { id } of document.querySelectorAll("[id^=data-library-]")) {
  const script = document.createElement("script");
  script.textContent = await block(id.slice("data-".length));
  document.head.append(script);
}

const texts = await block("texts");

// Tables: DataTables sorts and filters; each column head is a button, and says how it is sorted.
// What has no figure, -Infinity to DataTables, stands last in either order.
const last = (one, other) => (one === -Infinity) - (other === -Infinity);
DataTable.ext.type.order["num-asc"] = (one, other) => last(one, other) || one - other;
DataTable.ext.type.order["num-desc"] = (one, other) => last(one, other) || other - one;
for (const table of document.querySelectorAll("table.data")) {
  new DataTable(table, {
    paging: false,
    info: false,
    order: [],
    autoWidth: false,
    layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null },
    language: {
      zeroRecords: texts.none,
      aria: { orderable: texts.sort, orderableRemove: texts.unsort, orderableReverse: texts.sort },
    },
  });
}

// A button answers the space bar too.
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || !event.target.matches("[role=button]")) return;
  event.preventDefault();
  event.target.click();
});

const filter = document.getElementById("filter");
filter.form.hidden = false;
filter.form.addEventListener("submit", (event) => event.preventDefault());
filter.addEventListener("input", () => {
  const tables = DataTable.tables({ api: true });
  tables.search(filter.value).draw();
  const count = (rows) => tables.rows(rows).count();
  document.getElementById("filter-count").textContent = filter.value && texts.rows
    .replace("{shown}", count({ search: "applied" })).replace("{rows}", count());
  const marks = new Set(Array.from(document.querySelectorAll("sup a"), (mark) => mark.hash));
  document.querySelectorAll(".notes li").forEach((note) => note.hidden = !marks.has(`#${note.id}`));
});

// Charts: Vega-Lite draws them, its expressions interpreted: the policy lets no text become code.
const theme = await block("theme");

function draw(key, spec) {
  const place = document.querySelector(`[data-chart="${key}"]`);
  const [switches, drawing] = [document.createElement("div"), document.createElement("div")];
  switches.className = "switches";
  place.replaceChildren(switches, drawing);
  return vegaEmbed(drawing, spec, {
    config: theme, ast: true, renderer: "svg", actions: false, bind: switches,
    defaultStyle: false, tooltip: { disableDefaultStyle: true }, logLevel: 1, // errors only
  });
}

for (const [key, spec] of Object.entries(await block("charts"))) {
  draw(key, spec).then(({ view }) => {
    view.addEventListener("click", (event, item) => show(item?.datum?.cell));
  });
}

// The details panel: one for all figures, filled from the data of the cell.
const cells = await block("cells");
const keys = Object.keys(cells.cells); // a figure bears its cell's place among them
const panel = document.getElementById("cell");

function facts(id, labels, values) {
  const rows = labels.flatMap((label, index) => {
    if (!values[index]) return [];
    const [term, description] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, description.textContent] = [label, values[index]];
    return [term, description];
  });
  document.getElementById(id).replaceChildren(...rows);
}

function list(id, lines) {
  const part = document.getElementById(id);
  part.hidden = !lines.length;
  part.querySelector("ul").replaceChildren(
    ...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })),
  );
}

let drawn = [];

async function drawSamples(key) {
  const samples = (await block("samples"))[key];
  document.getElementById("cell-samples").hidden = !samples;
  drawn.forEach((chart) => chart.finalize());
  drawn = [];
  for (const [name, spec] of Object.entries(samples ? await block("sample-charts") : {})) {
    drawn.push(await draw(name, { ...spec, datasets: { cell: [samples] } }));
  }
  drawn[0]?.view.addSignalListener("outliers", (name, value) => {
    drawn.slice(1).forEach((chart) => chart.view.signal(name, value).run());
  });
}

function show(key) {
  const cell = cells.cells[key];
  if (!cell) return;
  document.getElementById("cell-title").textContent = cell.title;
  facts("cell-facts", cells.labels.cell, cell.values);
  facts("cell-run", cells.labels.run, cells.runs[cell.run]);
  list("cell-why", cell.why);
  list("cell-more", cell.more);
  drawSamples(key);
  document.getElementById("cell-record").href = cell.href;
  history.replaceState(null, "", `#cell-${key}`);
  panel.showModal();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-cell]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(keys[link.dataset.cell]);
});
panel.addEventListener("close", () => history.replaceState(null, "", "#"));
const named = decodeURIComponent(location.hash).match(/^#cell-(.+)/)?.[1];
show(keys[named] ?? named);
document.documentElement.dataset.loaded = "";
