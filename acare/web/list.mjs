// The list of clients: its table and pages.

import {
	apiQuery,
	counted,
	dateOf,
	dueIn,
	explain,
	fullName,
	isolate,
	label,
	listAddress,
	PROPERTY,
	same,
	showBudget,
	showNumber,
	writeQuery,
} from "./values.mjs";
import { hiddenMatch } from "./record.mjs";
import {
	badge,
	button,
	currency,
	day,
	dueDate,
	el,
	find,
	link,
	mail,
	phone,
	redraw,
	saveFile,
	value,
} from "./dom.mjs";
import { call, later, owner, person, ready, session, signature } from "./session.mjs";
import { place, results } from "./place.mjs";
import { drawFrame, openFirst } from "./inputs.mjs";

const restore = later("./versions.mjs", "restore");
/** The columns: what each shows of a client. */
const COLUMNS = {
	name: (client, query) => {
		const due = dueIn(client.tags);
		const match = query.q ? hiddenMatch(client, query.q) : null;
		return [
			el("a", { id: client.id, href: `#/client/${client.id}` }, value(fullName(client))),
			due && dueDate(due),
			match && el("small.match", `${label(match.name)}: `, value(match.text)),
		];
	},
	status: (client) => badge(client.status),
	type: (client) => label(client.client_type),
	budget: (client) => showBudget(client, currency) || null,
	phone: (client) => phone(client.phone),
	email: (client) => mail(client.email),
	owner: (client) => (session.users.size > 1 ? person(owner(client.user_id)) : null),
	changed: (client) => day(client.updated_at),
	deleted: (client) => (client.deletedAt ? deletion(client) : null),
};

/** Who deleted a client, and a button to restore it. */
const deletion = (client) => [
	value(signature(client.deletedBy, client.deletedAt)),
	" ",
	button("Restore", () => restore(client.id), "", `Restore: ${isolate(fullName(client))}`),
];

/** The table of clients, without the columns that would be empty. It has explicit roles, since its
 *  elements lose their own when a narrow screen shows them as cards. */
function clientTable(clients, query) {
	const names = Object.keys(COLUMNS);
	const cells = clients.map((client) => names.map((name) => COLUMNS[name](client, query)));
	const isUsed = names.map((_, at) => cells.some((contents) => contents[at] !== null));
	const row = (tag, role, contents) =>
		el(
			"tr",
			{ role: "row" },
			names.map((name, at) => isUsed[at] && el(tag, { role, class: name }, contents[at])),
		);
	return el(
		"div.card",
		{ click: openRow, auxclick: openRow },
		el(
			query.deleted ? "table.clients.gone" : "table.clients",
			{ role: "table", "aria-label": "Clients" },
			el("thead", { role: "rowgroup" }, row("th", "columnheader", names.map(label))),
			el(
				"tbody",
				{ role: "rowgroup" },
				cells.map((contents) => row("td", "cell", contents)),
			),
		),
	);
}

/** A click anywhere in a row is one on its link, except to select text. */
function openRow(event) {
	const row = event.target.closest("tbody tr");
	if (!row || event.target.closest("a, button") || event.button > 1 || !getSelection().isCollapsed)
		return;
	row.querySelector(".name a").dispatchEvent(new MouseEvent(event.type, event));
}

/** Links to other pages, which stay under the pointer. */
function pager({ page, totalPages }, query) {
	if (totalPages < 2) return "";
	const to = (text, number) =>
		number >= 1 && number <= totalPages && number !== page
			? link(text, listAddress({ ...query, page: String(number) }), "button")
			: el("button", { disabled: true }, text);
	return el(
		"nav.actions",
		{ "aria-label": "Pages" },
		to("First", 1),
		to("Previous", page - 1),
		to("Next", page + 1),
		to("Last", totalPages),
	);
}

// --- the view
/** For all clients that the filters match: one change, or a file. */
function handout(query, signal) {
	const filters = { ...query, page: "" };
	const download = async () => {
		const path = `v1/clients.csv?${apiQuery(filters)}`;
		const file = await call("GET", path, { as: "blob", signal });
		saveFile(file, file.type, `clients-${dateOf()}.csv`);
	};
	const { total } = results.meta;
	const changeAll = later("./several.mjs", "changeAll");
	return [
		button(`Change all ${showNumber(total)}…`, () => changeAll(filters, total), "quiet"),
		button("Download CSV", download, "quiet"),
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
	const list = find(".results");
	redraw(() =>
		list.replaceChildren(
			...(clients.length
				? [clientTable(clients, query), pager(meta, query)]
				: [nothing(query, meta.problem)]),
		),
	);
	list.ariaBusy = false;
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
		const { clients, meta } = (await Promise.all([reading, ready(signal)]))[0];
		// the filters have changed meanwhile, the view not yet
		if ((place.list ?? address) !== address) return;
		if (meta.total && !clients.length) {
			// the list is shorter than it was
			return location.replace(listAddress({ ...query, page: String(meta.totalPages) }));
		}
		const rows = clients.map((client, at) => ({ ...client, ...meta.deleted?.[at] }));
		if (isKnown() && same([rows, meta], [results.clients, results.meta])) return openFirst();
		if (!isKnown()) scrollTo(0, 0); // it is another list, or another page
		Object.assign(results, { address, query, clients: rows, meta });
		if (!find(".results")) drawFrame(query);
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
