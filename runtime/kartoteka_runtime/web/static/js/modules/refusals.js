// What business rules refuse: beside the field, or above the form when it is about the whole.
import { reveal } from "./tabs.js";

let count = 0;

export class RefusedFields {
  // `messages` are all that rules may say: the server's answer of that kind is taken over.
  constructor(form, inputs, messages) {
    this.form = form;
    this.inputs = inputs;
    this.banner = form.querySelector("[data-k-refusals]");
    this.notes = new Map(); // field → the element that says why
    for (const [name, input] of inputs) {
      const answered = this.box(input)?.querySelector(".k-field__bad");
      if (answered && messages.has(answered.textContent.trim())) {
        this.notes.set(name, answered);
      }
    }
  }

  box(input) {
    return input.controls[0]?.closest(".k-field");
  }

  show(errors) {
    const byField = new Map();
    const whole = [];
    for (const { field, text } of errors) {
      if (!this.inputs.has(field)) whole.push(text);
      else if (!byField.has(field)) byField.set(field, text);
    }
    for (const [name, input] of this.inputs) this.note(name, input, byField.get(name));
    if (!this.banner) return;
    const texts = whole.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    });
    const list = this.banner.querySelector("ul");
    const isSame = list.textContent === whole.join("");
    if (!isSame) list.replaceChildren(...texts);
    this.banner.hidden = whole.length === 0;
  }

  note(name, input, text) {
    const known = this.notes.get(name);
    if (known?.textContent.trim() === text) return;
    const [box, focused] = [this.box(input), input.focused];
    if (known) {
      known.remove();
      this.notes.delete(name);
      describe(focused, known.id, false);
    }
    const hasOther = box.querySelector(".k-field__bad") !== null;
    if (text !== undefined) {
      const note = document.createElement("span");
      note.id = `refused-${(count += 1)}`;
      note.className = "k-field__bad";
      note.setAttribute("role", "alert");
      note.textContent = text;
      box.querySelector(".k-field__value").append(note);
      this.notes.set(name, note);
      describe(focused, note.id, true);
    }
    const isBad = hasOther || text !== undefined;
    box.classList.toggle("is-invalid", isBad);
    if (isBad) focused.setAttribute("aria-invalid", "true");
    else focused.removeAttribute("aria-invalid");
  }

  focus() {
    const [name] = this.notes.keys();
    const target = name === undefined ? this.banner : this.inputs.get(name).focused;
    if (!target) return;
    if (target === this.banner) target.tabIndex = -1;
    reveal(target);
    target.focus();
    target.scrollIntoView({ block: "center" });
  }
}

function describe(element, id, isAdded) {
  const known = (element.getAttribute("aria-describedby") ?? "").split(" ");
  const ids = known.filter((one) => one && one !== id);
  if (isAdded) ids.unshift(id);
  if (ids.length > 0) element.setAttribute("aria-describedby", ids.join(" "));
  else element.removeAttribute("aria-describedby");
}
