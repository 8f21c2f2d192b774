// One input of a form as business rules see it: its value as conditions read it, and back.
import { evaluate } from "../conditions.js";
import { clockText, instantText } from "../conditions/times.js";

const SPACES = /[ \t\u00a0\u202f\u2009'’]/g;
const MINUS = /[\u2212\u2013\u2010]/g;
const UNITS = { min: 1, m: 1, h: 60, d: 1440, w: 10080 };
const UNKNOWN = "00000000-0000-0000-0000-000000000000"; // a name that no record was chosen for

// A number as people type it, as text with a point; null when it is none.
function readNumber(text, { decimal, group }) {
  let typed = text.replace(SPACES, "").replace(MINUS, "-");
  const [points, commas] = [".", ","].map((mark) => typed.split(mark).length - 1);
  let mark = decimal;
  if (points && commas) mark = typed.lastIndexOf(".") > typed.lastIndexOf(",") ? "." : ",";
  else if (points + commas === 1) {
    mark = points ? "." : ",";
    if (mark === group && /^[+-]?\d{1,3}[.,]\d{3}$/.test(typed)) mark = points ? "," : ".";
  } else if (points + commas > 1) mark = points ? "," : ".";
  typed = typed.replaceAll(mark === "." ? "," : ".", "").replace(mark, ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(typed) ? typed.replace("+", "") : null;
}

function readDuration(text) {
  const clock = /^(\d{1,4}):([0-5]\d)$/.exec(text);
  if (clock) return String(Number(clock[1]) * 60 + Number(clock[2]));
  if (/^\d+$/.test(text)) return text;
  let total = 0;
  for (const [part, count, unit] of text.toLowerCase().matchAll(/([\d.,]+)\s*([a-z]*)\s*|\S/g)) {
    const minutes = Number(count?.replace(",", ".")) * UNITS[unit];
    if (Number.isNaN(minutes) || part === "") return null;
    total += minutes;
  }
  return total > 0 ? String(Math.round(total)) : null;
}

function durationText(minutes) {
  let rest = Math.abs(minutes);
  const parts = [];
  for (const unit of ["d", "h", "min"]) {
    const count = Math.floor(rest / UNITS[unit]);
    rest %= UNITS[unit];
    if (count || (unit === "min" && parts.length === 0)) parts.push(`${count} ${unit}`);
  }
  return `${minutes < 0 ? "-" : ""}${parts.join(" ")}`;
}

function rounded(kind, value, places) {
  const call = ["call", "decimal", "round", ["value", kind, value], ["value", "whole", places]];
  return evaluate(call, {}, {});
}

export class RuledInput {
  constructor(form, name, about, language) {
    this.form = form;
    this.name = name;
    this.about = about;
    this.language = language;
    this.start = this.raw;
    this.isLocked = this.controls.some((control) => control.disabled);
    this.kept = null; // what was typed before the field was locked
  }

  get controls() {
    const found = this.form.elements.namedItem(this.name);
    if (!found) return [];
    return found instanceof RadioNodeList ? [...found] : [found];
  }

  hidden(part) {
    return this.form.elements.namedItem(`${this.name}.${part}`);
  }

  // What is focused, labelled and described; scripts may have put another in the first one's place.
  get focused() {
    const [first] = this.controls;
    const typed = first?.parentElement.querySelector(".k-tokens__input");
    return this.about.widget === "parties" && typed ? typed : first;
  }

  get raw() {
    if (this.about.widget === "multi_choice") {
      return this.controls.filter((one) => one.checked).map((one) => one.value).join(",");
    }
    const text = this.controls[0]?.value ?? "";
    if (this.about.widget !== "lookup") return text;
    return JSON.stringify([text, this.hidden("ref").value, this.hidden("of").value]);
  }

  set raw(text) {
    if (this.about.widget === "multi_choice") {
      const chosen = text.split(",");
      for (const one of this.controls) one.checked = chosen.includes(one.value);
    } else if (this.about.widget === "lookup") {
      const [name, ref, of] = JSON.parse(text);
      this.put({ name, ref, of });
    } else {
      this.controls[0].value = text;
    }
  }

  put({ name, ref, of = name }) {
    this.controls[0].value = name;
    this.hidden("ref").value = ref;
    this.hidden("of").value = of;
    this.controls[0].dispatchEvent(new CustomEvent("k:set", { bubbles: true }));
  }

  // {id, ref, name} of the record that a lookup names, or null.
  get reference() {
    if (this.about.widget !== "lookup") return null;
    const [text, ref, of] = JSON.parse(this.raw);
    if (ref === "" || text.trim() !== of.trim()) return null;
    return { id: ref.split(":")[1], ref, name: of };
  }

  get value() {
    const { widget, kind } = this.about;
    const text = widget === "lookup" ? this.controls[0].value.trim() : this.raw.trim();
    if (text === "") return null;
    if (widget === "lookup") return this.reference?.id ?? UNKNOWN;
    if (widget === "duration") return readDuration(text);
    switch (kind) {
      case "whole": case "decimal": case "float": return readNumber(text, this.language);
      case "yes_no": return text === "1";
      case "option": return Number(text);
      case "options": return text.split(",").map(Number);
      case "instant": return instantText(text, this.language.zone);
      default: return text;
    }
  }

  // Shows a value that a rule gives; `references` are {id: {ref, name}} of records known here.
  write(value, references) {
    this.kept = null;
    if (this.about.widget === "lookup") {
      const found = value === null ? { ref: "", name: "" } : references.get(value);
      if (found) this.put(found);
      return;
    }
    const text = value === null ? "" : this.text(value);
    const [control] = this.controls;
    const entries = control instanceof HTMLSelectElement ? [...control.options] : null;
    if (entries?.every((entry) => entry.value !== text)) {
      control.add(new Option("", text)); // yes/no has no empty entry once it was answered
    }
    this.raw = text;
  }

  text(value) {
    const { widget, kind, places } = this.about;
    if (widget === "duration") return durationText(Number(value));
    switch (kind) {
      case "whole": return rounded(kind, value, 0);
      case "decimal": {
        const [whole, part = ""] = rounded(kind, value, places).split(".");
        return places ? `${whole}${this.language.decimal}${part.padEnd(places, "0")}` : whole;
      }
      case "float": {
        const number = Number(rounded(kind, value, places));
        return String(number).replace(".", this.language.decimal);
      }
      case "yes_no": return value ? "1" : "0";
      case "instant": return clockText(value, this.language.zone);
      default: return String(value);
    }
  }

  // Locks or unlocks; a field keeps what was typed into it and shows what will be stored meanwhile.
  // Returns whether its value changed by that.
  lock(isLocked, isWritten) {
    if (this.isLocked === isLocked) return false;
    this.isLocked = isLocked;
    for (const control of this.controls) control.disabled = isLocked;
    const box = this.controls[0]?.closest("[data-k-field]");
    const inside = box?.querySelectorAll(".k-lookup__clear, .k-tokens button, .k-tokens input");
    for (const part of inside ?? []) part.disabled = isLocked;
    const typed = this.raw;
    if (isLocked && !isWritten && typed !== this.start && this.about.widget !== "parties") {
      this.raw = this.start;
      this.kept = typed;
    } else if (!isLocked && this.kept !== null) {
      this.raw = this.kept;
      this.kept = null;
    }
    return this.raw !== typed;
  }
}
