// What is typed and not saved: drafts in the storage of this tab.

import { fullName } from "./values.mjs";
import { el, link, say, value } from "./dom.mjs";
import { place } from "./place.mjs";
import { session, stored } from "./session.mjs";

const start = () => stored(`draft:${session.me?.id}:`);
const draftName = (id) => `${start()}${id ?? "new"}`;
export const readDraft = (id) => JSON.parse(sessionStorage.getItem(draftName(id)));
export const writeDraft = (draft) =>
  sessionStorage.setItem(draftName(draft.id), JSON.stringify(draft));
export const dropDraft = (id) => sessionStorage.removeItem(draftName(id));

/** Close a form: delete its draft, show a message, optionally with a button, and show another view.
 *  */
export function finish(id, text, address, ...action) {
  dropDraft(id);
  say(text, ...action);
  // A second entry of the same view in the browser's history would take a second step back.
  if (address === place.previous) history.back();
  else location.replace(address);
}

/** The drafts of this tab: [{id, text, address}]. A draft of a note has the name and the address of
 *  its client. */
export const drafts = () =>
  Object.keys(sessionStorage)
    .filter((name) => name.startsWith(start()))
    .map((name) => {
      const { id, base, label, address } = JSON.parse(sessionStorage.getItem(name));
      const text = label ?? (id ? fullName(base) : "the new client");
      return { id, text, address: address ?? (id ? `#/client/${id}/edit` : "#/new") };
    });
/** Links to all drafts, or to the draft of one client. */
export function draftNote(of = null) {
  const shown = drafts().filter(({ id }) => of === null || id === of);
  const links = shown.flatMap(({ text, address }) => [link(value(text), address), " "]);
  return links.length ? el("p.note", "Unsaved changes: ", links) : null;
}

addEventListener("beforeunload", (event) => {
  if (session.me && drafts().length) event.preventDefault(); // closing the tab would lose the draft
});
