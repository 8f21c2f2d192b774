// A click anywhere on a row opens its record; the link in the row stays what keyboards use.
export function startRows() {
  document.addEventListener("click", (event) => {
    const row = event.target.closest?.("tr[data-k-row]");
    if (!row || event.target.closest("a, button, input, label")) return;
    if (getSelection()?.toString()) return;
    const link = row.querySelector(".k-row-link");
    if (!link) return;
    if (event.ctrlKey || event.metaKey) window.open(link.href, "_blank", "noopener");
    else link.click();
  });
}
