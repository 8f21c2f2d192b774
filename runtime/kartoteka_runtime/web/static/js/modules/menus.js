// Menus are <details>: this closes them when one clicks, tabs or escapes away.
const SELECTOR = "details[data-k-menu]";

function closeOthers(target) {
  for (const menu of document.querySelectorAll(`${SELECTOR}[open]`)) {
    if (!menu.contains(target)) menu.open = false;
  }
}

export function closeMenus() {
  document.addEventListener("click", (event) => closeOthers(event.target));
  document.addEventListener("focusin", (event) => closeOthers(event.target));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.(`${SELECTOR}[open]`);
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
    event.preventDefault();
  });
}
