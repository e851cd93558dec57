// The list of clients: search, filters, pages.

import { same } from "./record.mjs";
import { dateOf } from "./due.mjs";
import {
	PROPERTY,
	apiQuery,
	counted,
	explain,
	isolate,
	listAddress,
	showNumber,
	writeQuery,
} from "./values.mjs";
import { button, el, find, link, redraw, saveFile } from "./dom.mjs";
import { call, pagesOf, ready, session } from "./session.mjs";
import { place, results } from "./place.mjs";
import { drawFrame, openFirst } from "./filters.mjs";
import { changeAll } from "./many.mjs";
import { clientTable, pager } from "./table.mjs";

/** For all clients that the filters match: a file, or a print of all pages. */
function handout(query, signal) {
	const filters = { ...query, page: "" };
	const download = async () => {
		const path = `v1/clients.csv?${apiQuery(filters)}`;
		const file = await call("GET", path, { as: "blob", signal });
		saveFile(file, file.type, `clients-${dateOf()}.csv`);
	};
	const print = async () => {
		const [rows, read] = [[], { meta: null }];
		for await (const { clients, meta } of pagesOf("clients", apiQuery(filters), signal)) {
			rows.push(...clients);
			read.meta = meta;
			if (meta.page === 10) break;
		}
		const { meta } = read;
		const part = meta.hasMore ? `The first ${showNumber(rows.length)} of ` : "";
		find(".total").textContent = `${part}${counted(meta.total, "client")}.`;
		find(".results").replaceChildren(clientTable(rows, filters));
		// shows the page again
		addEventListener("afterprint", () => drawList(filters, signal), { once: true });
		window.print();
	};
	const { total } = results.meta;
	return [
		button(`Change all ${showNumber(total)}…`, () => changeAll(filters, total), "quiet"),
		button("Download CSV", download, "quiet"),
		button("Print", print, "quiet"),
	];
}

/** In place of the table: the problem with the filters, or links for a search without results. */
const nothing = ({ q, deleted }, problem) =>
	problem
		? el("p.problem", { role: "alert" }, problem)
		: q && !deleted
			? el(
					"div.empty.actions",
					link(`New client “${isolate(q)}”`, `#/new?${writeQuery({ q })}`, "button"),
					link("Search deleted clients", listAddress({ q, deleted: "true" }), "button"),
				)
			: "";

/** Draw the last results. */
function drawList(query, signal) {
	const { clients, meta } = results;
	const pages =
		meta.totalPages > 1 ? ` Page ${showNumber(meta.page)} of ${showNumber(meta.totalPages)}.` : "";
	const total = PROPERTY.some((name) => query[name])
		? `${counted(meta.total, "buyer")} whom it could suit`
		: `${counted(meta.total, "client")}${query.due ? " to follow up" : ""}`;
	const none = find(".clear").hidden
		? "No clients yet."
		: query.due
			? "No follow-ups are due."
			: "No clients found.";
	find(".total").textContent = clients.length ? `${total}.${pages}` : meta.problem ? "" : none;
	find(".handout").replaceChildren(
		...(query.deleted
			? []
			: [
					...(clients.length ? handout(query, signal) : []),
					link("Deleted clients", listAddress({ q: query.q, deleted: "true" }), "button quiet"),
				]),
	);
	redraw(() =>
		find(".results").replaceChildren(
			...(clients.length
				? [clientTable(clients, query), pager(meta, query)]
				: [nothing(query, meta.problem)]),
		),
	);
	findPlace();
}

/** Focus the row of the client who was opened last, if nothing else has the focus; without one, the
 *  heading. */
function findPlace() {
	const row = document.getElementById(results.id);
	if (!document.activeElement.matches("body, h1")) return;
	(row ?? find("h1")).focus({ preventScroll: true });
	row?.scrollIntoView({ block: "nearest" });
	if (row) results.id = null;
}

export async function listView({ query }, signal) {
	const address = listAddress(query);
	const isKnown = () => results.address === address;
	const refused = (error) => {
		if (error.status !== 400) throw error;
		return { clients: [], meta: { problem: explain(error) } };
	};
	place.refresh = async () => {
		const reading = call("GET", `v1/clients?${apiQuery(query)}`, { signal }).catch(refused);
		const [{ clients, meta }] = await Promise.all([reading, ready(signal)]);
		// the filters have changed meanwhile, the view not yet
		if ((place.list ?? address) !== address) return;
		if (meta.total && !clients.length) {
			// the list is shorter than it was
			return location.replace(listAddress({ ...query, page: String(meta.totalPages) }));
		}
		const rows = clients.map((client, at) => ({ ...client, ...meta.deleted?.[at] }));
		if (isKnown() && same([rows, meta], [results.clients, results.meta])) return openFirst();
		if (!isKnown()) scrollTo(0, 0); // it is another list, or another page
		Object.assign(results, { address, clients: rows, meta });
		drawFrame(query);
		drawList(query, signal);
		results.id = null;
		openFirst();
	};
	if (session.me) drawFrame(query);
	if (isKnown()) {
		drawList(query, signal);
		scrollTo(0, results.scroll);
	}
	await place.refresh();
}
