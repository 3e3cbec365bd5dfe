// The keyboard: "/" goes to the filter, j and k move between rows, Enter opens the row, Esc goes back.

const typing = (element) => element.matches?.("input, select, textarea, [contenteditable]");
const rows = () => [...document.querySelectorAll("main [data-row]")];

function step(by) {
  const all = rows();
  if (!all.length) return;
  const current = all.findIndex(
    (each) => each === document.activeElement || each.closest("tr")?.contains(document.activeElement),
  );
  const next = all[Math.min(Math.max(current + by, 0), all.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

// Listen to the keyboard until the function that this returns is called. A view marks what opens a row with `data-row`,
// its filter with `data-filter`, and the address that Esc leads to with `data-back`.
export function keys(go) {
  const pressed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      if (typing(event.target)) return event.target.blur();
      const back = document.querySelector("main [data-back]")?.dataset.back;
      if (back) go(back);
      return;
    }
    if (typing(event.target)) return;
    if (event.key === "/") {
      const filter = document.querySelector("main [data-filter]");
      if (filter) event.preventDefault();
      filter?.focus();
    } else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}
