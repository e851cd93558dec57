// Drafts: input that is not saved yet. They are kept in this tab, even if the page is reloaded.

import { TEXT } from "./text.mjs";
import { fullName } from "./values.mjs";
import { el, link, say, value } from "./dom.mjs";
import { state, stored } from "./requests.mjs";

const start = () => stored(`draft:${state.me?.id}:`);
const draftName = (id) => `${start()}${id ?? "new"}`;
export const readDraft = (id) => JSON.parse(sessionStorage.getItem(draftName(id)));
export const writeDraft = (draft) => sessionStorage.setItem(draftName(draft.id), JSON.stringify(draft));
export const dropDraft = (id) => sessionStorage.removeItem(draftName(id));

export const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
/** A client that is not saved yet, with what was typed into the search. Its base has the values that the server sets. */
export function newDraft(typed) {
  const base = { status: "active", user_id: state.me.id };
  return { id: null, base, values: { ...base, ...typed }, key: newKey() };
}

/** Close a form: delete its draft, show a message, optionally with a button, and show another view. */
export function finish(id, text, address, ...action) {
  dropDraft(id);
  say(text, ...action);
  // A second entry of the same view in the browser's history would take a second step back.
  if (address === state.previous) history.back();
  else location.replace(address);
}
export const discard = ({ id }) => finish(id, "", id ? `#/client/${id}` : state.list ?? "#/");

/** Links to the drafts of this tab. A draft of a note has the name and the address of its client. */
export const draftLinks = () => Object.keys(sessionStorage).filter((name) => name.startsWith(start())).map((name) => {
  const { id, base, label, address } = JSON.parse(sessionStorage.getItem(name));
  const text = label ?? (id ? fullName(base) : TEXT.aNewClient);
  return link(value(text), address ?? (id ? `#/client/${id}/edit` : "#/new"));
});
export const draftNote = (...links) => (links.length ? el("p.note", TEXT.draft, " ", links.flatMap((one) => [one, " "])) : "");

addEventListener("beforeunload", (event) => {
  if (state.me && draftLinks().length) event.preventDefault(); // closing the tab would lose the draft
});
