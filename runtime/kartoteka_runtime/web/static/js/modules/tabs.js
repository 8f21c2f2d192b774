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
    const last = this.tabs.length - 1;
    const goals = {
      ArrowRight: index === last ? 0 : index + 1,
      ArrowLeft: index === 0 ? last : index - 1,
      Home: 0,
      End: last,
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
