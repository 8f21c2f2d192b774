// Nothing typed is lost by leaving: the browser asks first.
import { once } from "./once.js";

const changed = new WeakSet();

export function isChanged(form) {
  return changed.has(form);
}

export function guardForms() {
  for (const form of once("unsaved", "form[data-k-form]")) {
    if (form.querySelector("[data-k-summary]")) changed.add(form);
    let isSending = false;
    form.addEventListener("input", () => changed.add(form));
    form.addEventListener("change", () => changed.add(form));
    form.addEventListener("submit", (event) => {
      if (isSending) event.preventDefault();
      isSending = true;
      event.submitter?.setAttribute("aria-busy", "true");
    });
    // Coming back by the browser's history: the form can be sent again.
    window.addEventListener("pageshow", () => {
      isSending = false;
      form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
    });
    window.addEventListener("beforeunload", (event) => {
      if (changed.has(form) && !isSending) event.preventDefault();
    });
  }
}
