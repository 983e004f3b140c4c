const form = document.getElementById("filters"), picked = document.getElementById("line");
const rows = [...document.querySelectorAll("[data-defect]")];
const texts = new Map(rows.map(row => [row, row.textContent.toLowerCase()]));
let at = "";

function runs(row) {
  const [program, line] = at.split(" ");
  const lines = row.querySelector(`.${program}`);
  return lines && lines.textContent.split(" ").some(range => {
    const [first, last = first] = range.split("\u2011").map(Number);
    return first <= line && line <= last;
  });
}

function filter() {
  const { text, defect, documented, corrected, differ } = form.elements;
  const wanted = text.value.toLowerCase().split(/\s+/);
  const fits = row =>
    wanted.every(word => texts.get(row).includes(word)) &&
    (!defect.value || row.dataset.defect === defect.value) &&
    [documented, corrected].every(it => !it.value || row.dataset[it.name].split(" ").includes(it.value)) &&
    (!differ.checked || row.dataset.differ === "1") &&
    (!at || runs(row));
  for (const row of rows) row.hidden = !fits(row);
  for (const group of document.querySelectorAll(".group")) group.hidden = !group.querySelector(".row:not([hidden])");
  const shown = rows.filter(row => !row.hidden).length;
  form.querySelector("output").value = `${shown} of ${rows.length}`;
  document.getElementById("none").hidden = shown > 0;
  picked.hidden = !at;
  picked.textContent = at && `${at[0] === "d" ? "published" : "corrected"} line ${at.slice(2)} ✕`;
}

for (const [name, value] of new URLSearchParams(location.search)) {
  if (name === "at") at = value;
  else if (name === "differ") form.elements.differ.checked = true;
  else if (form.elements[name]) form.elements[name].value = value;
}
form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", event => event.preventDefault());
picked.addEventListener("click", () => { at = ""; filter(); });
document.querySelector(".source").addEventListener("click", event => {
  const link = event.target.closest("[data-at]");
  if (link) { at = link.dataset.at; filter(); }
});
filter();
