// Filters and sorts the table of schemes; the form is shown only where scripts run.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form.rk-filter");
  const body = document.querySelector("table.rk-library tbody");
  if (!form || !body) return;
  const rows = [...body.rows];
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value ?? cell.textContent.trim();
  };
  const limit = (name) => (form.elements[name].value === "" ? null : Number(form.elements[name].value));
  const atMost = (text, most) => most === null || (text !== "" && Number(text) <= most);
  const atLeast = (text, least) => least === null || (text !== "" && Number(text) >= least);

  function filter() {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const order = form.elements.order.value;
    let shown = 0;
    for (const row of rows) {
      const fits =
        words.every((word) => row.dataset.words.includes(word)) &&
        (order === "" || value(row, 2) === order) &&
        atMost(value(row, 3), limit("stages")) &&
        atLeast(value(row, 4), limit("ssp")) &&
        atMost(value(row, 6), limit("growth")) &&
        (!form.elements.family.checked || row.dataset.family === "1");
      row.hidden = !fits;
      shown += fits;
    }
    form.elements.count.value = `${shown} of ${rows.length}`;
  }

  function sortBy(column, head) {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => {
      const text = value(row, column);
      return column < 2 ? text.toLowerCase() : text === "" || text === "-" ? Infinity : Number(text);
    };
    const sign = down ? -1 : 1;
    rows.sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      return x < y ? -sign : x > y ? sign : 0;
    });
    body.append(...rows);
  }

  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  [...document.querySelectorAll("table.rk-library th")].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sortBy(column, head));
    head.replaceChildren(button);
  });
  filter();
});
