// Records opened last, kept in this browser only and shown on the start page.
const KEPT = 12;

function key(user) {
  return `kartoteka.recent.${user}`;
}

function read(user) {
  try {
    return JSON.parse(localStorage.getItem(key(user))) ?? [];
  } catch {
    return []; // storage is switched off, or holds what an older version wrote
  }
}

export function rememberRecord() {
  const head = document.querySelector("[data-k-record]");
  if (!head) return;
  const { kRecord: address, kUser: user } = head.dataset;
  const icon = head.querySelector(".k-chip-icon");
  const one = {
    address,
    name: head.querySelector("h1").textContent,
    classes: icon.className,
    icon: icon.querySelector("use").getAttribute("href").split("#")[1],
  };
  const others = read(user).filter((other) => other.address !== address);
  try {
    localStorage.setItem(key(user), JSON.stringify([one, ...others].slice(0, KEPT)));
  } catch {
    // No storage, no list: nothing depends on it.
  }
}

export function showRecent() {
  const section = document.querySelector("[data-k-recent]");
  const icon = section?.querySelector("svg");
  for (const one of section ? read(section.dataset.kRecent) : []) {
    const link = document.createElement("a");
    link.className = "k-recent__one";
    link.href = one.address;
    const chip = document.createElement("span");
    chip.className = `${one.classes} k-chip-icon--small`;
    const shape = icon.cloneNode(true);
    const use = shape.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${one.icon}`));
    chip.append(shape);
    const name = document.createElement("span");
    name.className = "k-recent__name";
    name.textContent = one.name;
    link.append(chip, name);
    const item = document.createElement("li");
    item.append(link);
    section.querySelector("ul").append(item);
    section.hidden = false;
  }
}
