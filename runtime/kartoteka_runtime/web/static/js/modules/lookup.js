// Lookups search while one types (ARIA combobox with a list). Without this, the name that is
// typed is looked up when the form is sent.
import { openDialog } from "./dialog.js";
import { once } from "./once.js";

const WAIT = 150; // milliseconds after the last key
let count = 0;

export class Combobox {
  // `choose` receives {ref, name}; `entities` as the address of the search wants them.
  constructor(input, entities, choose) {
    this.input = input;
    this.entities = entities;
    this.choose = choose;
    this.active = -1;
    this.list = document.createElement("ul");
    this.list.id = `options-${(count += 1)}`;
    this.list.className = "k-options";
    this.list.setAttribute("role", "listbox");
    const label = input.labels?.[0]?.textContent.trim() || input.getAttribute("aria-label") || "";
    this.list.setAttribute("aria-label", label);
    this.list.popover = "manual";
    input.after(this.list);
    for (const [name, value] of Object.entries({
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.list.id,
    })) {
      input.setAttribute(name, value);
    }
    input.addEventListener("input", () => this.searchSoon(WAIT));
    input.addEventListener("keydown", (event) => this.press(event));
    input.addEventListener("blur", () => this.close());
    input.addEventListener("click", () => this.searchSoon(0));
    // Not click: the input must keep the focus.
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) this.take(option);
    });
    window.addEventListener("scroll", () => this.isOpen && this.place(), true);
  }

  get isOpen() {
    return this.list.matches(":popover-open");
  }

  get options() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  searchSoon(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), wait);
  }

  async search() {
    this.request?.abort();
    this.request = new AbortController();
    const typed = this.isFresh?.() ? "" : this.input.value.trim();
    const query = new URLSearchParams({ q: typed, listbox: this.list.id });
    try {
      const response = await fetch(`/lookup/${this.entities}?${query}`, {
        headers: { "HX-Request": "true", "HX-Request-Type": "partial" },
        signal: this.request.signal,
      });
      if (!response.ok || response.headers.has("HX-Redirect")) return;
      this.list.innerHTML = await response.text();
    } catch (error) {
      if (error.name === "AbortError") return;
      throw error;
    }
    if (document.activeElement !== this.input) return;
    if (this.input.closest("dialog")) {
      for (const option of this.list.querySelectorAll("[data-new]")) option.remove();
    }
    this.open();
    this.activate(typed ? 0 : -1);
  }

  open() {
    if (!this.isOpen) this.list.showPopover();
    this.input.setAttribute("aria-expanded", "true");
    this.place();
  }

  // The list is in the top layer, so nothing clips it; it opens upwards where there is no room.
  place() {
    const box = this.input.getBoundingClientRect();
    const style = this.list.style;
    style.minWidth = `${box.width}px`;
    style.maxWidth = `${Math.max(box.width, Math.min(480, innerWidth - 16))}px`;
    style.left = `${Math.max(8, Math.min(box.left, innerWidth - this.list.offsetWidth - 8))}px`;
    const below = innerHeight - box.bottom - 12;
    const isAbove = below < Math.min(this.list.scrollHeight, 200) && box.top > below;
    style.top = isAbove ? "auto" : `${box.bottom}px`;
    style.bottom = isAbove ? `${innerHeight - box.top + 4}px` : "auto";
    style.maxHeight = `${Math.min(320, isAbove ? box.top - 12 : below)}px`;
  }

  close() {
    clearTimeout(this.timer);
    this.request?.abort();
    if (this.isOpen) this.list.hidePopover();
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.active = -1;
  }

  activate(index) {
    const options = this.options;
    this.active = options.length ? Math.max(-1, Math.min(index, options.length - 1)) : -1;
    options.forEach((option, position) => {
      option.setAttribute("aria-selected", String(position === this.active));
    });
    const active = options[this.active];
    if (active) {
      this.input.setAttribute("aria-activedescendant", active.id);
      active.scrollIntoView({ block: "nearest" });
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  press(event) {
    const count = this.options.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!this.isOpen) this.searchSoon(0);
      else if (event.key === "ArrowDown") this.activate((this.active + 1) % count);
      else this.activate(this.active <= 0 ? count - 1 : this.active - 1);
    } else if (event.key === "Enter" && this.isOpen && this.active >= 0) {
      event.preventDefault();
      this.take(this.options[this.active]);
    } else if (event.key === "Escape" && this.isOpen) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (event.key === "Tab") {
      this.close();
    }
  }

  take(option) {
    this.close();
    if (option.dataset.new) {
      openDialog(`${option.dataset.new}&for=${encodeURIComponent(this.input.name || "x")}`, (made) =>
        this.choose({ ref: made.ref, name: made.name }),
      );
    } else {
      this.choose({ ref: option.dataset.ref, name: option.dataset.name });
    }
  }
}

class Lookup {
  constructor(box) {
    this.box = box;
    this.input = box.querySelector(".k-lookup__input");
    [this.ref, this.of] = box.querySelectorAll("input[type=hidden]");
    this.link = box.querySelector(".k-lookup__open");
    this.addClear();
    this.combobox = new Combobox(this.input, box.dataset.kLookup, (chosen) => this.set(chosen));
    this.combobox.isFresh = () => this.ref.value !== "" && this.input.value === this.of.value;
    this.input.addEventListener("input", () => this.show());
    this.input.addEventListener("k:set", () => this.show());
    this.show();
  }

  addClear() {
    this.clear = document.createElement("button");
    this.clear.type = "button";
    this.clear.className = "k-lookup__clear";
    this.clear.setAttribute("aria-label", this.box.dataset.kClear);
    this.clear.textContent = "×";
    this.clear.addEventListener("click", () => {
      this.set({ ref: "", name: "" });
      this.input.focus();
    });
    this.box.append(this.clear);
  }

  set({ ref, name }) {
    this.input.value = this.of.value = name;
    this.ref.value = ref;
    this.show();
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  show() {
    const isChosen = this.ref.value !== "" && this.input.value === this.of.value;
    this.box.classList.toggle("has-chosen", isChosen);
    this.clear.hidden = this.input.value === "";
    if (!this.link) return;
    this.link.hidden = !isChosen;
    if (isChosen) this.link.href = `/e/${this.ref.value.replace(":", "/")}`;
  }
}

export function enhanceLookups() {
  for (const box of once("lookup", "[data-k-lookup]")) new Lookup(box);
}
