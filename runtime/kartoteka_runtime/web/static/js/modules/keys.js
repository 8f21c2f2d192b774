// Ctrl+S saves, Ctrl+K goes to the search, Alt+N creates. All with a modifier, so that nobody
// who dictates or types in a list starts something by accident.
function press(key) {
  const dialog = document.querySelector("dialog[open]");
  const found = (dialog ?? document).querySelector(`[data-k-key="${key}"]`);
  if (!found) return false;
  if (found.matches("input")) found.select();
  else found.click();
  return true;
}

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    const isCommand = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    let isDone = false;
    if (isCommand && !event.shiftKey && !event.altKey && key === "s") isDone = press("s");
    else if (isCommand && !event.shiftKey && !event.altKey && key === "k") isDone = press("/");
    else if (event.altKey && !isCommand && key === "n") isDone = press("n");
    if (isDone) event.preventDefault();
  });
}
