// Exact decimals: { digits: BigInt, places: Number } is digits / 10 ** places.
const MOST_PLACES = 10;
const MOST = 10n ** 20n;
const LEAST_ROUNDED = -20;
const MOST_EXPONENT = 400;
const NUMBER = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i;

export const WHOLE_ZERO = { digits: 0n, places: 0 };

function power(exponent) {
  return 10n ** BigInt(exponent);
}

// A number, or its text; null when it is none.
export function readNumber(value) {
  const found = NUMBER.exec(String(value).trim());
  if (found === null || found[2] + found[3] === "") return null;
  const digits = BigInt(found[2] + found[3]) * (found[1] === "-" ? -1n : 1n);
  const places = found[3].length - Number(found[4] ?? 0);
  if (Math.abs(places) > MOST_EXPONENT) return null;
  return places < 0 ? { digits: digits * power(-places), places: 0 } : { digits, places };
}

export function numberText({ digits, places }) {
  if (places === 0) return String(digits);
  const text = String(digits < 0n ? -digits : digits).padStart(places + 1, "0");
  return `${digits < 0n ? "-" : ""}${text.slice(0, -places)}.${text.slice(-places)}`;
}

function aligned(left, right) {
  const places = Math.max(left.places, right.places);
  return [
    left.digits * power(places - left.places),
    right.digits * power(places - right.places),
    places,
  ];
}

export function compareNumbers(left, right) {
  const [here, there] = aligned(left, right);
  return here < there ? -1 : Number(here > there);
}

function size(number) {
  return number < 0n ? -number : number;
}

// The quotient of two whole numbers, halves away from zero.
function roundedQuotient(above, below) {
  const twice = (size(above) * 2n) / size(below);
  const rounded = (twice + 1n) / 2n;
  return above < 0n === below < 0n ? rounded : -rounded;
}

function floorQuotient(above, below) {
  const whole = above / below;
  return above % below !== 0n && above < 0n ? whole - 1n : whole;
}

function toPlaces(number, places) {
  if (number.places <= places) return number;
  const unit = power(number.places - places);
  return atPlaces(roundedQuotient(number.digits, unit), places);
}

function atPlaces(digits, places) {
  return places < 0 ? { digits: digits * power(-places), places: 0 } : { digits, places };
}

function result(number) {
  const rounded = toPlaces(number, MOST_PLACES);
  return size(rounded.digits) >= MOST * power(rounded.places) ? null : rounded;
}

function quotient(left, right) {
  const [above, below] = aligned(left, right);
  if (below === 0n) return null;
  return { digits: roundedQuotient(above * power(MOST_PLACES), below), places: MOST_PLACES };
}

function wholeQuotient(left, right) {
  const [above, below] = aligned(left, right);
  return below === 0n ? null : { digits: above / below, places: 0 };
}

function combined(work) {
  return (left, right) => {
    const [here, there, places] = aligned(left, right);
    return { digits: work(here, there), places };
  };
}

const WORK = {
  add: combined((left, right) => left + right),
  sub: combined((left, right) => left - right),
  mul: (left, right) => ({
    digits: left.digits * right.digits,
    places: left.places + right.places,
  }),
  div: quotient,
  divwhole: wholeQuotient,
  divby: quotient,
  mod: (left, right) =>
    right.digits === 0n ? null : combined((here, there) => here % there)(left, right),
  neg: ({ digits, places }) => ({ digits: -digits, places }),
  round: (number, places = WHOLE_ZERO) => {
    const wanted = Math.min(Math.max(Number(places.digits), LEAST_ROUNDED), MOST_PLACES);
    return toPlaces(number, wanted);
  },
  floor: ({ digits, places }) => ({ digits: floorQuotient(digits, power(places)), places: 0 }),
  ceiling: ({ digits, places }) => ({
    digits: -floorQuotient(-digits, power(places)),
    places: 0,
  }),
};

// Functions of numbers; none is ever given null.
export const NUMBER_FUNCTIONS = Object.fromEntries(
  Object.entries(WORK).map(([name, work]) => [
    name,
    (...numbers) => {
      const found = work(...numbers);
      return found === null ? null : result(found);
    },
  ]),
);
