// Drafts: input that is not saved yet. They are kept in this tab, even if the page is reloaded.

import { TEXT } from "./text.mjs";
import { fullName, isolate } from "./values.mjs";
import { go, link, say } from "./dom.mjs";
import { state, stored } from "./requests.mjs";

const draftName = (id) => stored(`draft:${state.me?.id}:${id ?? "new"}`);
export const readDraft = (id) => JSON.parse(sessionStorage.getItem(draftName(id)));
export const writeDraft = (draft) => sessionStorage.setItem(draftName(draft.id), JSON.stringify(draft));
export const dropDraft = (id) => sessionStorage.removeItem(draftName(id));

export const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
/** A client that is not saved yet. Its base has the values that the server sets. */
export function newDraft() {
  const base = { status: "active", user_id: state.me.id };
  return { id: null, base, values: base, key: newKey() };
}

/** Close a form: delete its draft, show a message, optionally with a button, and show another view. */
export function finish(id, text, address, ...action) {
  dropDraft(id);
  say(text, ...action);
  go(address, true);
}
export const discard = ({ id }) => finish(id, "", id ? `#/client/${id}` : state.list ?? "#/");

/** Show that the draft of the last form is kept. */
export function announceDraft({ view, id }) {
  const draft = ["edit", "new"].includes(view) && readDraft(id);
  if (!draft) return;
  const name = draft.id ? isolate(fullName(draft.base)) : TEXT.aNewClient;
  say(TEXT.draftKept(name), link(TEXT.resume, draft.id ? `#/client/${draft.id}/edit` : "#/new"), 15);
}

addEventListener("beforeunload", (event) => {
  if (Object.keys(sessionStorage).some((name) => state.me && name.startsWith(stored(`draft:${state.me.id}:`)))) {
    event.preventDefault(); // closing the tab would lose the draft
  }
});
