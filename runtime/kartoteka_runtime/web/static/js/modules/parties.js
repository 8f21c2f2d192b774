// Parties of an activity as tokens; below lies the text area that is sent.
import { Combobox } from "./lookup.js";
import { once } from "./once.js";

class Parties {
  constructor(box) {
    this.box = box;
    this.area = box.querySelector("textarea");
    this.refs = box.querySelector("input[type=hidden]");
    this.known = new Map();
    for (const line of this.refs.value.split("\n")) {
      const [ref, name] = line.split("|");
      if (name) this.known.set(name, ref);
    }
    this.tokens = document.createElement("span");
    this.tokens.className = "k-input k-tokens";
    this.input = document.createElement("input");
    this.input.className = "k-tokens__input";
    this.input.autocomplete = "off";
    this.input.setAttribute("aria-label", this.area.labels[0]?.textContent.trim() ?? "");
    for (const name of ["aria-describedby", "aria-invalid"]) {
      if (this.area.hasAttribute(name)) this.input.setAttribute(name, this.area.getAttribute(name));
    }
    const id = this.area.id;
    this.area.removeAttribute("id");
    this.input.id = id;
    this.tokens.append(this.input);
    this.area.hidden = true;
    box.append(this.tokens);
    new Combobox(this.input, box.dataset.kParties, ({ ref, name }) => {
      this.known.set(name, ref);
      this.add(name);
    });
    this.input.addEventListener("keydown", (event) => this.press(event));
    this.input.addEventListener("blur", () => this.add(this.input.value));
    this.draw();
  }

  get names() {
    return this.area.value.split("\n").map((line) => line.trim()).filter(Boolean);
  }

  press(event) {
    if ((event.key === "Enter" || event.key === ",") && this.input.value.includes("@")) {
      event.preventDefault();
      this.add(this.input.value);
    } else if (event.key === "Backspace" && this.input.value === "") {
      this.write(this.names.slice(0, -1));
    }
  }

  add(name) {
    this.input.value = "";
    if (name.trim()) this.write([...new Set([...this.names, name.trim()])]);
  }

  write(names) {
    this.area.value = names.join("\n");
    const chosen = names.filter((name) => this.known.has(name));
    this.refs.value = chosen.map((name) => `${this.known.get(name)}|${name}`).join("\n");
    this.draw();
    this.area.dispatchEvent(new Event("change", { bubbles: true }));
  }

  draw() {
    for (const token of this.tokens.querySelectorAll(".k-tokens__one")) token.remove();
    for (const name of this.names) {
      const token = document.createElement("span");
      token.className = "k-tokens__one";
      token.textContent = name;
      const remove = document.createElement("button");
      remove.type = "button";
      remove.className = "k-tokens__remove";
      remove.setAttribute("aria-label", `${this.box.dataset.kRemove}: ${name}`);
      remove.textContent = "×";
      remove.addEventListener("click", () => this.write(this.names.filter((one) => one !== name)));
      token.append(remove);
      this.input.before(token);
    }
  }
}

export function enhanceParties() {
  for (const box of once("parties", "[data-k-parties]")) new Parties(box);
}
