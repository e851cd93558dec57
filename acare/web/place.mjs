// Where the person is: the view that is shown, what they have typed and not saved, the list that they
// came from, and the walk through its clients, in the order that it had then.

import { apiQuery, explain, fullName, label, listAddress, showNumber } from "./values.mjs";
import { button, el, find, link, say, value } from "./dom.mjs";
import { call, session, stored } from "./session.mjs";

/** ``address`` is the address of the view, ``previous`` of the view before, ``list`` of the last
 *  list. ``refresh`` reads the view again, ``render`` draws it anew, and ``countDue`` counts the
 *  follow-ups that are due. ``latest`` is the client that was read or saved last, ``ahead`` the one
 *  that was read before the person asked for it. ``controls`` is the form above the list. */
export const place = {};
/** What the last list has shown: its address, query, clients and meta, how far it was scrolled, and
 *  the id of the row to focus. */
export const results = { address: null, query: null, clients: [], meta: null, scroll: 0, id: null };

/** The selected clients by their ids, as they were read or saved last. */
export const selected = new Map();

/** A client that was read already, or undefined. */
export function knownClient(id) {
	if (place.latest?.id === id) return place.latest;
	return place.ahead?.id === id ? place.ahead : results.clients.find((client) => client.id === id);
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
			const typed = values && fullName({ first_name: "", last_name: "", ...values }).trim();
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
/** The longest walk whose ids are read before the first step. */
const SHORT = 300;
/** {address, query, limit, total, ids, reading}; ``ids`` has gaps until all are read. */
let walk = null;

/** Begin at the list that was shown last. */
export function beginWalk() {
	const { address, query, clients, meta } = results;
	walk = null;
	if (!meta?.total || meta.deleted) return;
	const ids = [];
	clients.forEach(({ id }, at) => {
		ids[(meta.page - 1) * meta.limit + at] = id;
	});
	walk = { address, query, limit: meta.limit, total: meta.total, ids };
}

const positionOf = (id) => walk?.ids.indexOf(id) ?? -1;

/** A line of a CSV file, from its id on. */
const LINE = /^([\w-]+),(?:"[^"]*"|[^"\n])*/gm;
/** Read all ids, at once: pages would miss some while the list changes. Those that are known stay. */
async function readIds(mine) {
	const { ids, total } = mine;
	if (Object.keys(ids).length === total) return;
	const path = `v1/clients.csv?${apiQuery({ ...mine.query, page: "" })}`;
	const text = await (await call("GET", path, { as: "blob" })).text();
	const known = new Set(["id", ...ids]); // with the title of the column
	const found = Array.from(text.matchAll(LINE), ([, id]) => id);
	// copies, since parts of the text would keep all of it in memory
	const others = structuredClone(found.filter((id) => !known.has(id)));
	const filled = Array.from({ length: total }, (_, at) => ids[at] ?? others.shift());
	mine.ids = [...filled, ...others].filter(Boolean);
	mine.total = mine.ids.length;
}
/** Read all ids once. */
async function keepWalk(mine = walk) {
	mine.reading ??= readIds(mine);
	await mine.reading.catch((error) => {
		mine.reading = null;
		say(explain(error));
	});
}

/** Read the next client before the person asks for it. */
export async function readAhead(id, signal) {
	if (walk?.total <= SHORT && !walk.query.q) await keepWalk(); // a search is for one client
	const at = positionOf(id);
	const next = at < 0 ? null : walk.ids[at + 1];
	if (next && !knownClient(next)) place.ahead = await call("GET", `v1/clients/${next}`, { signal });
}

/** The place of a client in the walk, and buttons that go on; null if there is no walk. */
export function walkOf(id) {
	const at = positionOf(id);
	if (at < 0 || walk.total < 2) return null;
	const page = String(Math.floor(at / walk.limit) + 1);
	place.list = walk.total > walk.limit ? listAddress({ ...walk.query, page }) : walk.address;
	const move = (by) => async () => {
		const main = find("#main");
		main.inert = true; // what is typed is for the next client
		await keepWalk();
		main.inert = false;
		const next = walk.ids[positionOf(id) + by];
		if (!next) return place.render();
		return location.replace(`#/client/${next}`); // one step back leads to the list
	};
	const step = (text, look, by) =>
		Object.assign(button(text, move(by), `${look} quiet`, `${label(look)} client`), {
			disabled: at + by < 0 || at + by >= walk.total,
		});
	return el(
		"nav.walk",
		{ "aria-label": "Clients of the list" },
		`${showNumber(at + 1)} of ${showNumber(walk.total)}`,
		step("‹", "previous", -1),
		step("›", "next", 1),
	);
}
