// Elements that match a selector and were not given this behaviour before.
const known = new WeakMap();

export function once(name, selector) {
  return [...document.querySelectorAll(selector)].filter((element) => {
    const names = known.get(element) ?? new Set();
    known.set(element, names);
    return !names.has(name) && names.add(name);
  });
}
