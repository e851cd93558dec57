// Where the person is: the view that is shown, what they have typed and not saved, the list that they
// came from, and the walk through its clients, in the order that it had then.

import { fullName, label, showNumber } from "./values.mjs";
import { button, el, link, say, value } from "./dom.mjs";
import { session, stored } from "./session.mjs";

/** ``address`` is the address of the view, ``previous`` of the view before, ``list`` of the last
 *  list. ``refresh`` reads the view again, ``render`` draws it anew, and ``countDue`` counts the
 *  follow-ups that are due. ``latest`` is the client that was read or saved last. ``controls`` is the
 *  form above the list. */
export const place = {};
/** What the last list has shown: its address, query, clients and meta, how far it was scrolled, and
 *  the id of the row to focus. */
export const results = { address: null, query: null, clients: [], meta: null, scroll: 0, id: null };

/** The selected clients by their ids, as they were read or saved last. */
export const selected = new Map();

/** A client that was read already, or undefined. */
export function knownClient(id) {
	if (place.latest?.id === id) return place.latest;
	return results.clients.find((client) => client.id === id);
}

/** Keep the newest state of a client for its page and, if it is in there, the list. */
export function remember(client) {
	place.latest = client;
	if (selected.has(client.id)) selected.set(client.id, client);
	results.clients = results.clients.map((row) =>
		row.id === client.id ? { ...row, ...client } : row,
	);
}

// --- drafts, in the storage of this tab
const start = () => stored(`draft:${session.me?.id}:`);
const storedName = (id) => `${start()}${id}`;
/** The id of a draft: the id of its client or, for a new one, a name of its own. */
export const draftId = ({ id, name }) => id ?? `new:${name}`;
/** Whether an id is that of the draft of a new client. */
export const isNew = (id) => id.startsWith("new:");
export const readDraft = (id) => JSON.parse(sessionStorage.getItem(storedName(id)));
export const writeDraft = (draft) =>
	sessionStorage.setItem(storedName(draftId(draft)), JSON.stringify(draft));
export const dropDraft = (id) => sessionStorage.removeItem(storedName(id));

/** Close a form: delete its draft, show a message, optionally with a button, and show another view. */
export function finish(id, text, address, action) {
	dropDraft(id);
	say(text, action);
	// A second entry of the same view in the browser's history would take a second step back.
	if (address === place.previous) history.back();
	else location.replace(address);
}

/** The drafts of this tab: [{id, text, address}]. A draft that is not of a form has
 *  the name of its client and the address where it is continued. */
export const drafts = () =>
	Object.keys(sessionStorage)
		.filter((name) => name.startsWith(start()))
		.map((name) => {
			const draft = JSON.parse(sessionStorage.getItem(name));
			const { id, base, values, label, address } = draft;
			const typed = [values?.first_name, values?.last_name].filter(Boolean).join(" ");
			return {
				id: draftId(draft),
				text: label ?? (id ? fullName(base) : typed || "A new client"),
				address: address ?? (id ? `#/client/${id}/edit` : `#/new?draft=${draft.name}`),
			};
		});
/** Offer to continue the form that was left. */
export function offerDraft(address) {
	const draft = /new|edit/.test(address) && drafts().find((one) => one.address === address);
	if (draft) say(`Not saved: ${draft.text}`, link("Continue", address, "button"));
}
/** A line for each draft, or for some of them. */
export const draftNotes = (isShown = () => true) =>
	drafts()
		.filter(({ id }) => isShown(id))
		.map(({ id, text, address }) => {
			const discard = ({ target }) => {
				dropDraft(id);
				target.closest("p").remove();
			};
			return el(
				"p.note",
				value(text),
				", not saved: ",
				el("a", { href: address, "aria-label": `Continue: ${text}` }, "continue"),
				" or ",
				button("discard", discard, "quiet", `Discard: ${text}`),
			);
		});

addEventListener("beforeunload", (event) => {
	if (session.me && drafts().length) event.preventDefault(); // closing the tab would lose the draft
});

// --- the walk
/** The list that the walk goes through, as it was shown: {address, ids}. */
let walk = { ids: [] };

/** Begin at the list that was shown last. */
export function beginWalk() {
	const { address, clients, meta } = results;
	walk = { address, ids: meta?.deleted ? [] : clients.map(({ id }) => id) };
}

/** The place of a client in the walk, and buttons that go on; null if there is no walk. */
export function walkOf(id) {
	const { address, ids } = walk;
	const at = ids.indexOf(id);
	if (at < 0 || ids.length < 2) return null;
	place.list = address;
	// one step back leads to the list
	const move = (by) => () => location.replace(`#/client/${ids[at + by]}`);
	const step = (text, look, by) =>
		Object.assign(button(text, move(by), `${look} quiet`, `${label(look)} client`), {
			disabled: !ids[at + by],
		});
	return el(
		"nav.walk",
		{ "aria-label": "Clients of the list" },
		`${showNumber(at + 1)} of ${showNumber(ids.length)}`,
		step("‹", "previous", -1),
		step("›", "next", 1),
	);
}
