// What is typed and not saved: drafts in the storage of this tab.

import { fullName } from "./values.mjs";
import { button, el, link, say, value } from "./dom.mjs";
import { place } from "./place.mjs";
import { session, stored } from "./session.mjs";

const start = () => stored(`draft:${session.me?.id}:`);
const storedName = (id) => `${start()}${id}`;
/** The id of a draft: the id of its client or, for a new one, a name of its own. */
export const draftId = ({ id, name }) => id ?? `new:${name}`;
export const readDraft = (id) => JSON.parse(sessionStorage.getItem(storedName(id)));
export const writeDraft = (draft) =>
	sessionStorage.setItem(storedName(draftId(draft)), JSON.stringify(draft));
export const dropDraft = (id) => sessionStorage.removeItem(storedName(id));

/** Close a form: delete its draft, show a message, optionally with a button, and show another view. */
export function finish(id, text, address, ...action) {
	dropDraft(id);
	say(text, ...action);
	// A second entry of the same view in the browser's history would take a second step back.
	if (address === place.previous) history.back();
	else location.replace(address);
}

/** The drafts of this tab: [{id, isNew, text, address}]. A draft that is not of a form has the name
 *  of its client and the address where it is continued. */
export const drafts = () =>
	Object.keys(sessionStorage)
		.filter((name) => name.startsWith(start()))
		.map((name) => {
			const draft = JSON.parse(sessionStorage.getItem(name));
			const { id, base, values, label, address } = draft;
			const typed = values && fullName({ first_name: "", last_name: "", ...values }).trim();
			return {
				id: draftId(draft),
				isNew: !id,
				text: label ?? (id ? fullName(base) : typed || "A new client"),
				address: address ?? (id ? `#/client/${id}/edit` : `#/new?draft=${draft.name}`),
			};
		});
/** Links to all drafts, or to the draft of one client. */
export function draftNote(of = null) {
	const found = drafts().filter(({ id }) => of === null || id === of);
	const links = found.flatMap(({ text, address }) => [link(value(text), address), " "]);
	return links.length ? el("p.note", "Unsaved changes: ", links) : null;
}
/** A line for each new client, other than this draft, who was not saved. */
export const unsavedNotes = (name) =>
	drafts()
		.filter(({ id, isNew }) => isNew && id !== draftId({ name }))
		.map(({ id, text, address }) => {
			const discard = ({ target }) => {
				dropDraft(id);
				target.closest("p").remove();
			};
			return el(
				"p.note",
				value(text),
				", not saved: ",
				link("continue", address),
				" or ",
				button("discard", discard, "quiet", `Discard: ${text}`),
			);
		});

addEventListener("beforeunload", (event) => {
	if (session.me && drafts().length) event.preventDefault(); // closing the tab would lose the draft
});
