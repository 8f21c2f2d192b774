// Switches between light and dark at once, and lets the server remember it.
export function startTheme() {
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-k-theme]");
    const button = event.submitter;
    if (!form || !button) return;
    event.preventDefault();
    if (button.value) document.documentElement.dataset.theme = button.value;
    else delete document.documentElement.dataset.theme;
    for (const one of form.querySelectorAll("[aria-pressed]")) {
      one.setAttribute("aria-pressed", String(one === button));
    }
    const body = new URLSearchParams(new FormData(form, button));
    fetch(form.action, { method: "POST", body, redirect: "manual" });
  });
}
