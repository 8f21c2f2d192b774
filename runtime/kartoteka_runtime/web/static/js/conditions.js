// Conditions in the browser: what kartoteka/conditions/to_json.py makes is read here.
//
// holds(condition, values, asker) is true or false; evaluate(expression, values, asker) is a JSON
// value or null, whole numbers and decimals as text. `values` are {path: value} as the record's
// JSON has them: numbers or their text, ISO texts, lookups as ids, multi-choices as lists, items of
// collections as lists of such values. `asker` is what asker_to_json gives.
import { NUMBER_FUNCTIONS, compareNumbers, numberText, readNumber } from "./conditions/numbers.js";
import { FOUND, compareTexts, fold, isLike, trim } from "./conditions/texts.js";
import { TIME_FUNCTIONS, askedNow, momentText, readMoment } from "./conditions/times.js";

const NUMBERS = new Set(["whole", "decimal", "float"]);
const MOMENTS = new Set(["date", "instant", "local_time"]);
const MOST_LEVELS = 100;

const SIGNS = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
};

const TESTS = {
  true: () => true,
  false: () => false,
  and: (values, asker, ...terms) => terms.every((term) => holds(term, values, asker)),
  or: (values, asker, ...terms) => terms.some((term) => holds(term, values, asker)),
  not: (values, asker, term) => !holds(term, values, asker),
  null: (values, asker, path) => isEmpty(held(values, path)),
  in: (values, asker, path, kind, wanted) =>
    wanted.some((value) => compared("eq", path, kind, value, values, asker)),
  has: (values, asker, path, option) => (held(values, path) ?? []).map(Number).includes(option),
  like: (values, asker, path, parts) =>
    !isEmpty(held(values, path)) && isLike(fold(held(values, path)), parts),
  period: (values, asker, path, key) =>
    isWithin(read("date", held(values, path)), asker.periods[key]),
  my: (values, asker, path, name) => isMine(held(values, path), name, asker),
  under: (values, asker, path, entity, itself, value) =>
    isBelow(held(values, path), ownId(value, asker), entity, itself, asker),
  above: (values, asker, path, entity, itself, value) =>
    isBelow(ownId(value, asker), held(values, path), entity, itself, asker),
  related: (values, asker, operator, kind, left, right) => {
    const [here, there] = [left, right].map((side) => comparable(kind, given(side, values, asker)));
    return isRelated(operator, kind, here, there);
  },
  textrelated: (values, asker, name, subject, sought) => {
    const [text, part] = [subject, sought].map((side) => given(side, values, asker));
    return text !== null && part !== null && FOUND[name](fold(text), fold(part));
  },
  any: (values, asker, collection, variable, term) =>
    (held(values, collection) ?? []).some(
      (item) => term === undefined || holds(term, withItem(values, variable, item), asker),
    ),
};

for (const operator of Object.keys(SIGNS)) {
  TESTS[operator] = (values, asker, path, kind, value) =>
    compared(operator, path, kind, value, values, asker);
}
for (const name of Object.keys(FOUND)) {
  TESTS[name] = (values, asker, path, text) =>
    !isEmpty(held(values, path)) && FOUND[name](fold(held(values, path)), text);
}

export function holds([name, ...rest], values, asker) {
  return TESTS[name](values, asker, ...rest);
}

export function evaluate(expression, values, asker) {
  const found = given(expression, values, asker);
  const kind = expression[1];
  if (found === null) return null;
  if (NUMBERS.has(kind)) return kind === "float" ? Number(numberText(found)) : numberText(found);
  return MOMENTS.has(kind) ? momentText(found) : found;
}

function held(values, path) {
  return Object.hasOwn(values, path) ? values[path] : null;
}

function isEmpty(value) {
  return value === null || value === undefined || value === "" || value.length === 0;
}

function withItem(values, variable, item) {
  const ofItem = Object.entries(item).map(([key, value]) => [`${variable}.${key}`, value]);
  return { ...values, ...Object.fromEntries(ofItem) };
}

// A JSON value as it is worked with: numbers exact, dates and times as moments.
function read(kind, value) {
  if (isEmpty(value)) return null;
  if (NUMBERS.has(kind)) return readNumber(value);
  if (MOMENTS.has(kind)) return readMoment(value);
  if (kind === "option") return Number(value);
  return kind === "options" ? value.map(Number).sort((one, other) => one - other) : value;
}

function comparable(kind, value) {
  return kind === "text" && value !== null ? fold(value) : value;
}

function order(kind, left, right) {
  if (NUMBERS.has(kind)) return compareNumbers(left, right);
  if (MOMENTS.has(kind)) return left.seconds - right.seconds;
  if (kind === "text") return compareTexts(left, right);
  if (kind === "options") return Number(String(left) !== String(right));
  return left < right ? -1 : Number(left > right);
}

function isRelated(operator, kind, left, right) {
  if (left !== null && right !== null) return SIGNS[operator](order(kind, left, right));
  const isSame = left === right;
  return operator === "eq" ? isSame : operator === "ne" && !isSame;
}

// A field and a value that is never null, texts folded.
function compared(operator, path, kind, value, values, asker) {
  const found = read(kind, held(values, path));
  if (found === null) return operator === "ne";
  const isAsked = kind !== "options" && Array.isArray(value);
  const wanted = isAsked ? asked(value[0], kind, asker) : read(kind, value) ?? value;
  return SIGNS[operator](order(kind, comparable(kind, found), wanted));
}

function asked(name, kind, asker) {
  if (name === "now") return askedNow(kind, readMoment(asker.now), asker.zone);
  return name === "me" ? asker.user : asker.unit;
}

function ownId(value, asker) {
  return Array.isArray(value) ? asked(value[0], "id", asker) : value;
}

function isWithin(moment, intervals) {
  if (moment === null) return false;
  return intervals.some(([first, end]) => {
    const isAfter = first === null || moment.seconds >= readMoment(first).seconds;
    return isAfter && (end === null || moment.seconds < readMoment(end).seconds);
  });
}

function isMine(id, name, { user, teams, people, peopleTeams }) {
  const sets = {
    myteams: [teams],
    meandmyteams: [[user], teams],
    meandmypeople: [[user], people],
    memypeopleandteams: [[user], people, teams, peopleTeams],
  };
  return !isEmpty(id) && sets[name].some((ids) => ids.includes(id));
}

function isBelow(id, other, entity, itself, asker) {
  if (isEmpty(id) || isEmpty(other)) return false;
  if (id === other) return itself;
  const parents = held(asker.parents, entity) ?? {};
  let above = held(parents, id);
  for (let level = 1; level <= MOST_LEVELS && above !== null; level += 1) {
    if (above === other) return true;
    above = held(parents, above);
  }
  return false;
}

// What an expression gives, as it is worked with; null when it is empty.
function given(expression, values, asker) {
  const [name, kind, ...rest] = expression;
  switch (name) {
    case "field":
      return read(kind, held(values, rest[0]));
    case "value":
      return read(kind, rest[0]);
    case "case": {
      const [cases, otherwise] = rest;
      const found = cases.find(([term]) => holds(term, values, asker));
      return given(found === undefined ? otherwise : found[1], values, asker);
    }
    case "call":
      return applied(rest[0], kind, rest.slice(1).map((one) => given(one, values, asker)), asker);
    default: {
      const value = asked(name, kind, asker);
      return isEmpty(value) ? null : value;
    }
  }
}

function applied(name, kind, numbers, asker) {
  if (name === "coalesce") return numbers.find((value) => value !== null) ?? null;
  if (name === "concat") return numbers.filter((text) => text !== null).join("") || null;
  if (numbers.includes(null)) return null;
  if (name in TEXT_FUNCTIONS) return TEXT_FUNCTIONS[name](...numbers);
  if (name in TIME_FUNCTIONS) return TIME_FUNCTIONS[name](asker.zone, ...numbers);
  return NUMBER_FUNCTIONS[name === "div" && kind === "whole" ? "divwhole" : name](...numbers);
}

const wholeNumber = (count) => ({ digits: BigInt(count), places: 0 });
const place = ({ digits }) => (digits < 0n ? 0 : Number(digits));

const TEXT_FUNCTIONS = {
  length: (text) => wholeNumber([...text].length),
  indexof: (text, part) => {
    const [folded, sought] = [fold(text), fold(part)];
    const at = folded.indexOf(sought);
    return wholeNumber(at < 0 ? at : [...folded.slice(0, at)].length);
  },
  substring: (text, first, most) => {
    const rest = [...text].slice(place(first));
    return (most === undefined ? rest : rest.slice(0, place(most))).join("") || null;
  },
  tolower: (text) => text.replaceAll("Σ", "σ").toLowerCase(),
  toupper: (text) => text.toUpperCase(),
  trim: (text) => trim(text) || null,
};
