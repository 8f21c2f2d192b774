// Pages that ask something (delete, a command, a new record) open in a dialog.
import { isChanged } from "./unsaved.js";

let created = null; // whom to tell about a record that the dialog creates

function host() {
  return document.querySelector("[data-k-dialog-host]");
}

export async function openDialog(address, whenCreated = null) {
  const dialog = host();
  const body = dialog.querySelector(".k-dialog__body");
  created = whenCreated;
  body.replaceChildren();
  await window.htmx.ajax("GET", address, { target: body, swap: "innerHTML" });
  const title = body.querySelector(".k-dialog__title");
  if (title) dialog.setAttribute("aria-label", title.textContent);
  if (!dialog.open) dialog.showModal();
  const first = body.querySelector(
    ".k-dialog__content :is(input:not([type=hidden]), select, textarea), .k-dialog__foot button",
  );
  first?.focus();
}

function trigger(event) {
  const source = event.target.closest?.("[data-k-dialog]");
  if (!source || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  // A changed form is saved first: the button then does what it does without a script.
  if (source.form && isChanged(source.form)) return;
  event.preventDefault();
  openDialog(source.dataset.kDialog || source.getAttribute("href"));
}

export function startDialogs() {
  const dialog = host();
  if (!dialog || !window.htmx) return;
  document.addEventListener("click", trigger);
  dialog.addEventListener("click", (event) => {
    const isClosing = event.target.closest("[data-k-dialog-close]");
    if (isClosing) event.preventDefault();
    if (isClosing || event.target === dialog) dialog.close();
  });
  document.addEventListener("k:created", (event) => {
    dialog.close();
    created?.(event.detail);
    created = null;
  });
}
