for (const table of document.querySelectorAll("table[data-filter]")) {
  const label = document.createElement("label"), input = document.createElement("input"), count = document.createElement("span");
  label.className = "filter"; input.type = "search"; count.setAttribute("role", "status");
  label.append("Filter this table: ", input, " ", count);
  table.parentElement.before(label);
  const rows = [...table.tBodies].flatMap(body => [...body.rows].filter(row => row.className != "group").map(row => [row, (body.rows[0].textContent + " " + row.textContent).toLowerCase()]));
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase().trim().split(/\s+/);
    let shown = 0;
    for (const [row, text] of rows) { row.hidden = !wanted.every(w => text.includes(w)); shown += !row.hidden; }
    for (const head of table.querySelectorAll("tr.group")) head.hidden = ![...head.parentElement.rows].some(row => row != head && !row.hidden);
    count.textContent = shown + " of " + rows.length + " rows";
  });
}
