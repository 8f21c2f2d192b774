// Follows the dev server: shows what is wrong with the files or waits for a word, and loads the
// page again when its definitions changed, unless something typed would be lost.
import { isChanged } from "./modules/unsaved.js";

const MINIMIZED = "k-dev-minimized";
const host = document.querySelector("[data-k-dev]");
const waiting = document.querySelector("[data-k-dev-waiting]");
const typedInto = new WeakSet();

function hasUnsaved() {
  return [...document.forms].some(
    (form) => form.isConnected && !form.closest("[data-k-dev]") && (isChanged(form) || typedInto.has(form)),
  );
}

// What changed since this page was made; null when any page may have.
function changedSince(number, event) {
  const changed = new Set();
  for (let next = number + 1; next <= event.number; next += 1) {
    const entities = event.published[next];
    if (!entities) return null;
    for (const entity of entities) changed.add(entity);
  }
  return changed;
}

class DevHost {
  constructor(element) {
    this.element = element;
    this.panel = element.querySelector("[data-k-dev-panel]");
    this.body = element.querySelector("[data-k-dev-body]");
    this.pill = element.querySelector("[data-k-dev-pill]");
    this.bar = element.querySelector("[data-k-dev-bar] > p");
    this.page = document.querySelector("[data-k-dev-page]"); // the status has a page of its own
    this.event = { start: element.dataset.start, step: -1 };
    this.focused = null;
  }

  start() {
    document.addEventListener("input", ({ target }) => {
      if (target.form?.method === "post") typedInto.add(target.form);
    });
    document.addEventListener("visibilitychange", () => this.follow());
    window.addEventListener("pagehide", () => this.source?.close());
    window.addEventListener("pageshow", () => this.follow());
    this.element.querySelector("[data-k-dev-minimize]").addEventListener("click", () => this.minimize());
    this.element.querySelector("[data-k-dev-reload]").addEventListener("click", () => this.load());
    this.pill.addEventListener("click", () => this.open());
    this.panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.minimize();
    });
    for (const place of [this.body, this.page]) place?.addEventListener("submit", (event) => this.send(event, place));
    this.follow();
  }

  // Only a page that is seen keeps a connection: browsers have few of them for one server.
  follow() {
    this.source?.close();
    if (document.hidden) return;
    this.source = new EventSource("/dev/events");
    this.source.addEventListener("message", (message) => this.hear(JSON.parse(message.data)));
  }

  hear(event) {
    const { start, number, entity } = this.element.dataset;
    const isNews = event.step !== this.event.step || event.start !== this.event.start;
    this.event = event;
    if (event.start !== start) return this.renew();
    if (event.number !== Number(number) && !this.page) {
      const changed = changedSince(Number(number), event);
      if (!changed || !entity || changed.has(entity)) this.renew();
    }
    if (isNews) this.showStatus();
  }

  renew() {
    if (hasUnsaved()) this.bar.hidden = false;
    else this.load();
  }

  load() {
    if ("posted" in this.element.dataset) location.replace(location.href.split("#")[0]);
    else location.reload();
  }

  async showStatus() {
    if (this.page) {
      if (String(this.event.step) !== this.element.dataset.step) await this.fill(this.page);
      this.element.dataset.step = String(this.event.step);
      return;
    }
    if (!this.event.needs_attention) return this.close();
    if (!(await this.fill(this.body))) return;
    if (sessionStorage.getItem(MINIMIZED) === this.key()) this.minimize();
    else this.open();
  }

  key() {
    return `${this.event.start} ${this.event.step}`;
  }

  async fill(place) {
    const step = this.event.step;
    const answer = await fetch("/dev/status", {
      headers: { "HX-Request": "true", "HX-Request-Type": "partial" },
    });
    if (step !== this.event.step) return false; // a newer one is on its way
    return this.put(answer, place);
  }

  async put(answer, place) {
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere) {
      location.assign(elsewhere);
      return false;
    }
    place.innerHTML = await answer.text();
    return true;
  }

  async send(event, place) {
    event.preventDefault();
    const { submitter, target } = event;
    submitter?.setAttribute("aria-busy", "true");
    const answer = await fetch(submitter?.getAttribute("formaction") ?? target.action, {
      method: "POST",
      headers: { "HX-Request": "true", "HX-Request-Type": "partial" },
      body: new URLSearchParams(new FormData(target)),
    });
    await this.put(answer, place);
    place.focus({ preventScroll: true });
  }

  open() {
    sessionStorage.removeItem(MINIMIZED);
    this.pill.hidden = true;
    this.pill.setAttribute("aria-expanded", "true");
    if (this.panel.open) return;
    const focused = document.activeElement;
    const isTyping = focused?.matches("input, select, textarea, [contenteditable]");
    this.panel.show();
    // Somebody who types goes on typing; everybody else is where the news is.
    if (isTyping) focused.focus({ preventScroll: true });
    else this.body.focus({ preventScroll: true });
    if (focused !== this.pill) this.focused = focused;
  }

  minimize() {
    const hadFocus = this.panel.contains(document.activeElement);
    sessionStorage.setItem(MINIMIZED, this.key());
    this.panel.close();
    this.pill.querySelector("span").textContent = this.body.querySelector("[data-k-dev-title]")?.textContent ?? "";
    this.pill.hidden = false;
    this.pill.setAttribute("aria-expanded", "false");
    if (hadFocus) this.pill.focus({ preventScroll: true });
  }

  close() {
    const hadFocus = this.panel.contains(document.activeElement) || document.activeElement === this.pill;
    if (this.panel.open) this.panel.close();
    this.pill.hidden = true;
    if (hadFocus && this.focused?.isConnected) this.focused.focus({ preventScroll: true });
    this.focused = null;
  }
}

// Before the first publication there is nobody to tell; the page asks whether it came.
async function wait() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 700));
    const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
    if (!answer) continue;
    if (answer.status !== 503) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.querySelector("[data-k-dev-waiting]");
    if (now && now.textContent !== waiting.textContent) waiting.replaceChildren(...now.childNodes);
  }
}

if (host) new DevHost(host).start();
if (waiting) wait();
