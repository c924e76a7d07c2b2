// Hands the page's data to the libraries; everything else is theirs.

const block = (name) => JSON.parse(document.getElementById(`data-${name}`).textContent);
const texts = block("texts");

// Tables: DataTables sorts and filters; each column head is a button, and says how it is sorted.
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

const filter = document.getElementById("filter");
filter.form.hidden = false;
filter.form.addEventListener("submit", (event) => event.preventDefault());
filter.addEventListener("input", () => {
  DataTable.tables({ api: true }).search(filter.value).draw();
});
