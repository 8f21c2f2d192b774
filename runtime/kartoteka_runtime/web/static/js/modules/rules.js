// Business rules of a form, run when it opens and whenever one of its fields changes. What they
// say of forms is worked out anew each time; values are set when what a rule looks at changes.
import { evaluate, holds } from "../conditions.js";
import { once } from "./once.js";
import { RefusedFields } from "./refusals.js";
import { RuledInput } from "./ruled_inputs.js";
import { leaveHiddenTabs } from "./tabs.js";
import { isChanged } from "./unsaved.js";

const TABS = new Set(["show_tab", "hide_tab"]);

class Outcome {
  constructor(values) {
    this.values = values;
    this.written = new Map();
    this.required = new Map();
    this.hidden = new Set();
    this.locked = new Set();
    this.hiddenSections = new Set();
    this.hiddenTabs = new Set();
    this.errors = [];
    this.proposed = new Map();
  }
}

const SETS = {
  hide: ["hidden", true], show: ["hidden", false],
  lock: ["locked", true], unlock: ["locked", false],
  hide_section: ["hiddenSections", true], show_section: ["hiddenSections", false],
  hide_tab: ["hiddenTabs", true], show_tab: ["hiddenTabs", false],
};

class Rules {
  constructor(form) {
    const { rules, formulas, inputs, decimal, group } = JSON.parse(form.dataset.kRules);
    const { asker, values, references, new: isNew, fresh: isFresh } = JSON.parse(
      form.dataset.kAsked,
    );
    this.form = form;
    this.rules = rules;
    this.formulas = formulas;
    this.asker = asker;
    this.beside = values;
    this.references = references;
    this.isNew = isNew;
    const language = { decimal, group, zone: asker.zone };
    this.inputs = new Map();
    for (const [name, about] of Object.entries(inputs)) {
      const input = new RuledInput(form, name, about, language);
      if (input.controls.length > 0) this.inputs.set(name, input);
    }
    this.boxes = [...form.querySelectorAll("[data-k-field]")];
    this.sections = [...form.querySelectorAll("[data-k-section]")];
    this.proposals = [...form.querySelectorAll("[data-k-proposal]")];
    this.tabs = this.namedTabs();
    this.seen = new Set(); // rules of which errors are shown: what they look at was changed
    this.answered = new Set(); // recommendations that were accepted or dismissed
    this.refused = new RefusedFields(form, this.inputs, this.messages());
    for (const proposal of this.proposals) this.startProposal(proposal);
    form.addEventListener("change", (event) => this.change(event));
    form.addEventListener("submit", (event) => this.send(event), true);
    this.run(isFresh ? null : new Set()); // what was typed and refused stays
  }

  *actions() {
    for (const { branches, otherwise } of this.rules) {
      for (const [, actions] of branches) yield* actions;
      yield* otherwise;
    }
  }

  namedTabs() {
    const named = [...this.actions()].filter(([verb]) => TABS.has(verb));
    return new Set(named.flatMap(([, names]) => names));
  }

  messages() {
    const errors = [...this.actions()].filter(([verb]) => verb === "error");
    return new Set(errors.map(([, , , text]) => text));
  }

  change(event) {
    const name = (event.target.name || event.target.closest("[data-k-field]")?.dataset.kField || "")
      .replace(/\.pick$/, "");
    if (!this.inputs.has(name)) return;
    for (const rule of this.rules) {
      if (rule.looks_at.includes(name)) this.seen.add(rule.name);
    }
    this.run(new Set([name]));
  }

  // `changed` are the fields whose change lets rules set values; null when the form opens.
  run(changed) {
    let outcome = this.apply(changed);
    if (this.lock(outcome)) {
      outcome = this.apply(new Set());
      this.lock(outcome);
    }
    this.show(outcome);
    this.errors = outcome.errors;
  }

  apply(changed) {
    const outcome = new Outcome({ ...this.beside });
    for (const [name, input] of this.inputs) outcome.values[name] = input.value;
    for (const rule of this.rules) {
      for (const [name, formula] of this.formulas) {
        outcome.values[name] = evaluate(formula, outcome.values, this.asker);
      }
      const isFree =
        changed === null || rule.always || rule.looks_at.some((name) => changed.has(name));
      const branch = rule.branches.find(([when]) => holds(when, outcome.values, this.asker));
      for (const action of branch ? branch[1] : rule.otherwise) {
        this.act(outcome, rule, action, isFree, changed);
      }
    }
    const references = this.knownReferences();
    for (const [name, value] of outcome.written) this.inputs.get(name).write(value, references);
    return outcome;
  }

  act(outcome, rule, [verb, ...rest], isFree, changed) {
    const [about, detail] = rest;
    if (verb in SETS) {
      const [set, isAdded] = SETS[verb];
      for (const name of about) outcome[set][isAdded ? "add" : "delete"](name);
    } else if (verb === "require") {
      for (const name of about) outcome.required.set(name, detail);
    } else if (verb === "error") {
      const [, field, text] = rest;
      outcome.errors.push({ rule: rule.name, field, text });
    } else if (verb === "recommend") {
      outcome.proposed.set(about, rest[2]);
    } else if (isFree) {
      this.set(outcome, verb, rest, changed);
    }
  }

  set(outcome, verb, [about, expression], changed) {
    if (verb === "set_default" && !(this.isNew && outcome.values[about] === null)) return;
    const names = verb === "clear" ? about : [about];
    for (const name of names) {
      const value = verb === "clear" ? null : evaluate(expression, outcome.values, this.asker);
      const input = this.inputs.get(name);
      if (input === undefined || this.isSame(input.about, outcome.values[name], value)) continue;
      outcome.values[name] = value;
      outcome.written.set(name, value);
      changed?.add(name);
    }
  }

  isSame({ kind, places }, one, other) {
    if (one === null || other === null || kind === "text") return one === other;
    const sides = [one, other].map((value) => {
      const side = ["value", kind, value];
      const isNumber = kind === "whole" || kind === "decimal" || kind === "float";
      return isNumber ? ["call", "decimal", "round", side, ["value", "whole", places]] : side;
    });
    return holds(["related", "eq", kind, ...sides], {}, this.asker);
  }

  knownReferences() {
    const known = new Map(Object.entries(this.references));
    for (const input of this.inputs.values()) {
      if (input.reference) known.set(input.reference.id, input.reference);
    }
    return known;
  }

  lock(outcome) {
    let hasReset = false;
    for (const [name, input] of this.inputs) {
      const isWritten = outcome.written.has(name);
      hasReset = input.lock(outcome.locked.has(name), isWritten) || hasReset;
    }
    return hasReset;
  }

  show(outcome) {
    for (const box of this.boxes) {
      const name = box.dataset.kField;
      box.hidden = outcome.hidden.has(name);
      if (box.querySelector("[data-k-mark]")) {
        this.mark(box, this.inputs.get(name), outcome.required.get(name) ?? box.dataset.kLevel);
      }
    }
    for (const section of this.sections) {
      section.hidden = outcome.hiddenSections.has(section.dataset.kSection);
    }
    for (const name of this.tabs) {
      const isHidden = outcome.hiddenTabs.has(name);
      for (const part of this.form.querySelectorAll(`[data-k-tab="${name}"], #tab-${name}`)) {
        part.hidden = isHidden;
      }
    }
    if (this.tabs.size > 0) leaveHiddenTabs();
    for (const proposal of this.proposals) {
      const key = proposal.dataset.kProposal;
      proposal.hidden = !outcome.proposed.has(key) || this.answered.has(key);
    }
    this.proposed = outcome.proposed;
    this.refused.show(outcome.errors.filter(({ rule }) => !this.isNew || this.seen.has(rule)));
  }

  mark(box, input, level) {
    for (const mark of box.querySelectorAll("[data-k-mark]")) {
      mark.hidden = mark.dataset.kMark !== level;
    }
    if (level === "always") input?.focused?.setAttribute("aria-required", "true");
    else input?.focused?.removeAttribute("aria-required");
  }

  startProposal(proposal) {
    const card = proposal.querySelector("[popover]");
    const button = proposal.querySelector("[popovertarget]");
    card.querySelector(".k-proposal__actions").hidden = false;
    card.addEventListener("toggle", (event) => event.newState === "open" && place(card, button));
    const key = proposal.dataset.kProposal;
    const [accept, dismiss] = card.querySelectorAll("[data-k-accept], [data-k-dismiss]");
    accept.addEventListener("click", () => this.answer(key, card, this.proposed.get(key) ?? []));
    dismiss.addEventListener("click", () => this.answer(key, card, []));
  }

  answer(key, card, actions) {
    this.answered.add(key);
    card.hidePopover();
    const outcome = new Outcome({ ...this.beside });
    for (const [name, input] of this.inputs) outcome.values[name] = input.value;
    for (const [verb, ...rest] of actions) this.set(outcome, verb, rest, null);
    const references = this.knownReferences();
    for (const [name, value] of outcome.written) {
      const input = this.inputs.get(name);
      if (input.isLocked) continue;
      input.write(value, references);
      input.controls[0].dispatchEvent(new Event("change", { bubbles: true }));
    }
    const name = card.closest("[data-k-field]").dataset.kField;
    this.inputs.get(name)?.focused?.focus();
    this.run(new Set());
  }

  // What rules refuse is not sent; a record that nobody changed may still go on to a command.
  send(event) {
    this.run(new Set());
    if (this.errors.length === 0 || !(this.isNew || isChanged(this.form))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    for (const { rule } of this.errors) this.seen.add(rule);
    this.refused.show(this.errors);
    this.refused.focus();
  }
}

function place(card, button) {
  const box = button.getBoundingClientRect();
  const left = Math.min(box.left, innerWidth - card.offsetWidth - 8);
  const height = card.offsetHeight;
  const isAbove = box.bottom + height + 12 > innerHeight && box.top > height + 12;
  card.style.margin = "0";
  card.style.left = `${Math.max(8, left)}px`;
  card.style.top = `${isAbove ? box.top - height - 4 : box.bottom + 4}px`;
}

export function enhanceRules() {
  for (const form of once("rules", "form[data-k-rules]")) new Rules(form);
}
