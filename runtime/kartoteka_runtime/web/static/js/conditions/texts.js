// Texts as conditions compare them: without case and accents, by code points.
// The tables are those of kartoteka/text_folding.py; a test holds both equal.
const SINGLE = {
  ł: "l", đ: "d", ð: "d", ø: "o", ħ: "h", ı: "i", ŧ: "t", ŋ: "n", ſ: "s", ς: "σ",
};
const MULTIPLE = { ß: "ss", æ: "ae", œ: "oe", þ: "th", ĳ: "ij" };
const FOLDED = new Map([...Object.entries(SINGLE), ...Object.entries(MULTIPLE)]);
const MARKS = /[\u0300-\u036f]/g;
const OTHER_LETTERS = new RegExp(`[${[...FOLDED.keys()].join("")}]`, "g");
const BLANKS = /^[ \t\n\r\u00a0]+|[ \t\n\r\u00a0]+$/g;

export function fold(text) {
  const bare = text.toLowerCase().normalize("NFD").replace(MARKS, "");
  return bare.replace(OTHER_LETTERS, (letter) => FOLDED.get(letter));
}

export function trim(text) {
  return text.replace(BLANKS, "");
}

export function compareTexts(left, right) {
  const [here, there] = [[...left], [...right]];
  for (let at = 0; at < Math.min(here.length, there.length); at += 1) {
    const difference = here[at].codePointAt(0) - there[at].codePointAt(0);
    if (difference !== 0) return difference;
  }
  return here.length - there.length;
}

export const FOUND = {
  contains: (text, part) => text.includes(part),
  startswith: (text, part) => text.startsWith(part),
  endswith: (text, part) => text.endsWith(part),
};

// Whether a text is made of the parts of a pattern: a character, 1 for any one, 0 for any number
// of them, [outside, [first, last], …] for one of some. Only the last 0 is ever gone back to.
export function isLike(text, parts) {
  const letters = [...text];
  let [at, part, after, from] = [0, 0, -1, 0];
  while (at < letters.length) {
    if (part < parts.length && parts[part] === 0) {
      part += 1;
      [after, from] = [part, at];
    } else if (part < parts.length && fits(letters[at], parts[part])) {
      [at, part] = [at + 1, part + 1];
    } else if (after >= 0) {
      from += 1;
      [at, part] = [from, after];
    } else {
      return false;
    }
  }
  return parts.slice(part).every((rest) => rest === 0);
}

function fits(letter, part) {
  if (part === 1 || part === letter) return true;
  if (!Array.isArray(part)) return false;
  const [isOutside, ...ranges] = part;
  const isIn = ([first, last]) =>
    compareTexts(first, letter) <= 0 && compareTexts(letter, last) <= 0;
  return ranges.some(isIn) !== isOutside;
}
