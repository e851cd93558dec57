// Where the person is: the view that is shown, the list that they came from, and the walk through its
// clients, in the order that it had then.

import { apiQuery, listAddress, readRoute, showNumber } from "./values.mjs";
import { button, el, find } from "./dom.mjs";
import { call, pagesOf } from "./session.mjs";

/** ``address`` is the address of the view, ``previous`` of the view before, ``list`` of the last
 *  list. ``refresh`` reads the view again, ``render`` draws it anew, and ``countDue`` counts the
 *  follow-ups that are due. ``latest`` is the client that was read or saved last, ``ahead`` the one
 *  that was read before the person asked for it. */
export const place = {};
/** What the last list has shown: its address, clients and meta, how far it was scrolled, and the id
 *  of the row to focus. */
export const results = { address: null, clients: [], meta: null, scroll: 0, id: null };

/** Show the view at an address, anew if it is shown. */
export async function go(address) {
	if (address === location.hash) await place.render();
	else location.replace(address);
}

/** A client that was read already, or undefined. */
export const knownClient = (id) =>
	[place.latest, place.ahead, ...results.clients].find((client) => client?.id === id);

/** Keep the newest state of a client for its page and, if it is in there, the list. */
export function remember(client) {
	place.latest = client;
	results.clients = results.clients.map((row) =>
		row.id === client.id ? { ...row, ...client } : row,
	);
}

// --- the walk
/** Clients that one request reads, and the longest walk of which all ids are kept. */
const [CHUNK, KEPT] = [100, 1000];
/** {query, limit, total, ids, isKept}; ``ids`` has gaps until they are read. */
let walk = null;

/** Begin at the list that was shown last. */
export function beginWalk() {
	const { address, clients, meta } = results;
	walk = null;
	if (!meta?.total || meta.deleted) return;
	const ids = [];
	clients.forEach(({ id }, at) => {
		ids[(meta.page - 1) * meta.limit + at] = id;
	});
	walk = { query: readRoute(address).query, limit: meta.limit, total: meta.total, ids };
}

const positionOf = (id) => walk?.ids.indexOf(id) ?? -1;

/** Read all ids, before a change takes a client out of the list or moves it. */
export async function keepWalk() {
	const { total, ids, isKept } = walk ?? {};
	if (!walk || isKept || total > KEPT) return;
	walk.isKept = true;
	if (Object.keys(ids).length === total) return;
	const read = new Set();
	for await (const { clients } of pagesOf("clients", apiQuery({ ...walk.query, page: "" }))) {
		for (const { id } of clients) read.add(id);
	}
	Object.assign(walk, { ids: [...read], total: read.size });
}

/** The id of the client ``step`` places further, or null; its chunk is read if need be. */
async function idAfter(id, step) {
	const at = positionOf(id) + step;
	if (positionOf(id) < 0 || at < 0 || at >= walk.total) return null;
	if (walk.ids[at]) return walk.ids[at];
	const page = Math.floor(at / CHUNK);
	const query = apiQuery({ ...walk.query, page: page + 1, limit: CHUNK });
	const { clients } = await call("GET", `v1/clients?${query}`);
	clients.forEach((client, index) => {
		walk.ids[page * CHUNK + index] ??= client.id;
	});
	place.ahead = clients.find((client) => client.id === walk.ids[at]) ?? null;
	return walk.ids[at] ?? null;
}

/** Read the next client before the person asks for it. */
export async function readAhead(id, signal) {
	const next = await idAfter(id, 1);
	if (next && !knownClient(next)) place.ahead = await call("GET", `v1/clients/${next}`, { signal });
}

/** The place of a client in the walk, and buttons that go on; null if there is no walk. */
export function walkOf(id) {
	const at = positionOf(id);
	if (at < 0 || walk.total < 2) return null;
	const page = String(Math.floor(at / walk.limit) + 1);
	place.list = listAddress({ ...walk.query, page });
	const go = (step) => async () => {
		const main = find("#main");
		main.inert = true; // what is typed is for the next client
		const next = await idAfter(id, step).finally(() => {
			main.inert = false;
		});
		if (next) location.replace(`#/client/${next}`); // one step back leads to the list
	};
	const step = (text, look, by) =>
		Object.assign(button(text, go(by), `${look} quiet`), {
			disabled: at + by < 0 || at + by >= walk.total,
		});
	return el(
		"nav.walk",
		{ "aria-label": "Clients of the list" },
		`${showNumber(at + 1)} of ${showNumber(walk.total)}`,
		step("Previous", "previous", -1),
		step("Next", "next", 1),
	);
}
