// The keyboard: single keys outside of fields, and the dialog that shows them.

import { TEXT } from "./text.mjs";
import { ask, dialog, el, find, go } from "./dom.mjs";
import { state } from "./requests.mjs";

/** Focus the next or previous row of the list. */
function moveBy(step) {
  const rows = [...document.querySelectorAll(".clients .name a")];
  const at = rows.indexOf(document.activeElement.closest("tr")?.querySelector(".name a"));
  rows[at < 0 ? 0 : Math.max(at + step, 0)]?.focus();
}
async function search() {
  if (!find("[name=q]")) go(state.list ?? "#/");
  for (let frame = 0; frame < 200 && !find("[name=q]"); frame += 1) await new Promise(requestAnimationFrame); // it is drawn
  find("[name=q]")?.select();
}
function edit() {
  const row = document.activeElement.closest("tr")?.querySelector(".name a");
  if (row) go(`${row.hash}/edit`);
  else find(".heading a[href$='/edit']")?.click();
}

const KEYS = {
  "/": search, n: () => go("#/new"), e: edit, ArrowDown: () => moveBy(1), ArrowUp: () => moveBy(-1),
  Escape: () => find(".back")?.click(), "?": () => showKeys(),
};

export const showKeys = () => ask(TEXT.keyboard, el("dl", Object.entries(TEXT.shortcuts).map(([keys, use]) =>
  el("div", el("dt", el("kbd", keys)), el("dd", use)))), [[TEXT.close, null, "main"]]);

addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.isComposing || event.altKey || dialog.open) return;
  if (event.ctrlKey || event.metaKey) {
    if (key === "Enter") (target.form ?? find("form.client"))?.requestSubmit();
    return;
  }
  const isField = target.matches("input, select, textarea");
  if (!Object.hasOwn(KEYS, key) || (isField && !(target.name === "q" && key === "ArrowDown"))) return;
  event.preventDefault();
  KEYS[key]();
});
