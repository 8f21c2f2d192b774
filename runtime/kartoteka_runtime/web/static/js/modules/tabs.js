// Tabs of a form. Without this they are links to the parts of one long page.
import { once } from "./once.js";

const bars = new Set();

class TabBar {
  constructor(nav) {
    this.tabs = [...nav.querySelectorAll("[data-k-tab]")];
    this.panels = this.tabs.map((tab) => document.getElementById(`tab-${tab.dataset.kTab}`));
    this.input = nav.closest("form")?.elements.namedItem("_tab");
    nav.setAttribute("role", "tablist");
    this.tabs.forEach((tab, index) => {
      const panel = this.panels[index];
      tab.id = `${panel.id}-label`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      tab.classList.toggle("has-bad", panel.querySelector(".is-invalid") !== null);
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      panel.removeAttribute("aria-label");
      tab.addEventListener("click", (event) => {
        event.preventDefault();
        this.show(index, true);
      });
      tab.addEventListener("keydown", (event) => this.move(event, index));
    });
    const bad = this.panels.findIndex((panel) => panel.querySelector(".is-invalid"));
    const current = this.panels.findIndex((panel) => panel.classList.contains("is-current"));
    this.show(bad >= 0 ? bad : Math.max(current, 0), false);
    this.leaveHidden();
  }

  // Rules may hide a tab; the first one that is left takes its place.
  leaveHidden() {
    const current = this.tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
    const left = this.tabs.findIndex((tab) => !tab.hidden);
    if (this.tabs[current]?.hidden && left >= 0) this.show(left, false);
  }

  show(index, remember) {
    this.tabs.forEach((tab, position) => {
      const isCurrent = position === index;
      tab.setAttribute("aria-selected", String(isCurrent));
      tab.tabIndex = isCurrent ? 0 : -1;
      this.panels[position].classList.toggle("is-current", isCurrent);
    });
    if (!remember) return;
    const name = this.tabs[index].dataset.kTab;
    if (this.input) this.input.value = name;
    const url = new URL(location.href);
    url.searchParams.set("tab", name);
    url.hash = "";
    history.replaceState(history.state, "", url);
  }

  move(event, index) {
    const seen = [...this.tabs.keys()].filter((position) => !this.tabs[position].hidden);
    const place = seen.indexOf(index);
    const goals = {
      ArrowRight: seen[(place + 1) % seen.length],
      ArrowLeft: seen.at(place - 1),
      Home: seen[0],
      End: seen.at(-1),
    };
    if (!(event.key in goals)) return;
    event.preventDefault();
    this.show(goals[event.key], true);
    this.tabs[goals[event.key]].focus();
  }
}

export function enhanceTabs() {
  for (const nav of once("tabs", "[data-k-tabs]")) bars.add(new TabBar(nav));
}

export function leaveHiddenTabs() {
  for (const bar of bars) bar.leaveHidden();
}

// Opens the tab that an element is in.
export function reveal(element) {
  for (const bar of bars) {
    const index = bar.panels.findIndex((panel) => panel.contains(element));
    if (index >= 0) bar.show(index, true);
  }
}

// The list of what is wrong: its links go to the field, wherever it is.
export function enhanceSummaries() {
  for (const summary of once("summary", "[data-k-summary]")) {
    summary.focus({ preventScroll: false });
    summary.addEventListener("click", (event) => {
      const link = event.target.closest("a[href^='#']");
      const field = link && document.getElementById(link.hash.slice(1));
      if (!field) return;
      event.preventDefault();
      reveal(field);
      field.focus();
      field.scrollIntoView({ block: "center" });
    });
  }
}
