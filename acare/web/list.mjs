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
	listPath,
	plainTags,
	PROPERTY,
	same,
	shortBudget,
	showBudget,
	showNumber,
	writeQuery,
} from "./values.mjs";
import { hiddenMatch } from "./record.mjs";
import {
	badge,
	button,
	currency,
	dueDate,
	el,
	find,
	link,
	mail,
	menu,
	phone,
	redraw,
	saveFile,
	value,
} from "./dom.mjs";
import { call, later, owner, person, ready, session, signature } from "./session.mjs";
import { place, results } from "./place.mjs";
import { drawFrame, openFirst } from "./inputs.mjs";

const restore = later("./versions.mjs", "restore");
/** The columns of a list: the class, what its cells show of a client, and the heading, if that is not
 *  the class in words. */
function columnsOf(query) {
	const found = ["found", (client) => match(client, query.q), "Found in"];
	const tags = ["tags", (client) => tagsOf(client, query)];
	if (query.deleted) return [NAME, PHONE, OWNER, ["deleted", deletion]];
	return [
		NAME,
		["due-date", ({ tags: all }) => dueIn(all) && dueDate(dueIn(all)), label("due")],
		["status", (client) => badge(client.status)],
		["type", (client) => label(client.client_type)],
		["budget", budget],
		query.q ? found : tags,
		["email", (client) => mail(client.email)],
		session.users.size > 1 && OWNER,
		PHONE,
	].filter(Boolean);
}
const NAME = [
	"name",
	(client) =>
		el(
			"a",
			{ id: client.id, href: `#/client/${client.id}`, title: fullName(client) },
			value(fullName(client)),
		),
];
const PHONE = ["phone", (client) => phone(client.phone)];
const OWNER = ["owner", (client) => person(owner(client.user_id))];
function budget(client) {
	const text = shortBudget(client);
	return text && el("span", { title: showBudget(client, currency) }, text);
}

/** The letters of tags that fit into their column. */
const WIDTH = 22;
/** The first tags, each a filter, and how many others there are. */
function tagsOf({ tags }, query) {
	const all = plainTags(tags);
	const ends = all.map((_, at) => all.slice(0, at + 1).join("  ").length);
	const count = Math.max(1, ends.filter((end) => end <= WIDTH).length);
	const others = all.slice(count);
	return [
		...all
			.slice(0, count)
			.map((tag) => link(value(tag), listAddress({ ...query, tag, page: "" }), "tag")),
		others.length ? el("span.hint", { title: others.join(", ") }, `+${others.length}`) : null,
	];
}

/** Where a search has found a client, if no other column shows it. */
function match(client, q) {
	const found = hiddenMatch(client, q);
	return found && el("span", { title: found.text }, `${label(found.name)}: `, value(found.text));
}

/** Who deleted a client, and a button to restore it. */
const deletion = (client) => [
	value(signature(client.deletedBy, client.deletedAt)),
	" ",
	button("Restore", () => restore(client.id), "", `Restore: ${isolate(fullName(client))}`),
];

/** The heading of a column; that of the names sorts. */
function headingOf([name, , text = label(name)], query) {
	const isSorted = query.sort === "name";
	const sort = isSorted ? "" : "name";
	const sorts = name === "name" && !query.deleted;
	return el(
		"th",
		{ role: "columnheader", class: name, "aria-sort": sorts && isSorted && "ascending" },
		sorts ? link(text, listAddress({ ...query, sort, page: "" })) : text,
	);
}

/** The table of clients. It has explicit roles, since its elements lose their own when a narrow screen
 *  shows them as cards. */
function clientTable(clients, query) {
	const columns = columnsOf(query);
	const row = (...cells) => el("tr", { role: "row" }, ...cells);
	const cellsOf = (client) =>
		columns.map(([name, show]) => el("td", { role: "cell", class: name }, show(client)));
	return el(
		"div.table",
		{ click: openRow, auxclick: openRow },
		el(
			"table.clients",
			{ role: "table", "aria-label": "Clients" },
			el("thead", { role: "rowgroup" }, row(columns.map((column) => headingOf(column, query)))),
			el(
				"tbody",
				{ role: "rowgroup" },
				clients.map((client) => row(cellsOf(client))),
			),
		),
	);
}

/** A click anywhere in a row is one on its link, except to select text. */
function openRow(event) {
	const row = event.target.closest("tbody tr");
	if (
		!row ||
		event.target.closest("a, button, label") ||
		event.button > 1 ||
		!getSelection().isCollapsed
	)
		return;
	row.querySelector(".name a").dispatchEvent(new MouseEvent(event.type, event));
}

/** Links to the pages before and after, which stay under the pointer. */
function pager({ page, totalPages }, query) {
	if (totalPages < 2) return [];
	const to = (text, number, name) =>
		number >= 1 && number <= totalPages
			? el(
					"a.button.quiet",
					{ href: listAddress({ ...query, page: String(number) }), "aria-label": name },
					text,
				)
			: el("button.quiet", { type: "button", disabled: true, "aria-label": name }, text);
	return [to("‹", page - 1, "Previous page"), to("›", page + 1, "Next page")];
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
	return menu("More", [
		total && button(`Change all ${showNumber(total)}…`, () => changeAll(filters, total)),
		total && button("Download CSV", download),
		link("Deleted clients", listAddress({ q: query.q, deleted: "true" })),
	]);
}

/** In place of the table: the problem with the filters, or what to do about an empty list. */
function nothing(query, problem) {
	if (problem) return el("p.problem", { role: "alert" }, problem);
	const { q, due, deleted } = query;
	const isFiltered = writeQuery({ ...query, q: "", due: "", deleted: "", sort: "", page: "" });
	const title = q
		? `No client found for “${isolate(q)}”`
		: due
			? "No follow-ups are due"
			: isFiltered || deleted
				? "No clients found"
				: "No clients yet";
	const hint =
		"The search looks at the beginnings of words in names, e-mail, phone, tags, places and notes.";
	const wider = isFiltered && listAddress({ q, due, deleted });
	return el(
		"div.empty.card",
		el("h2", title),
		q ? el("p.muted", hint, isFiltered ? " It is limited by the filters." : "") : null,
		el(
			"div.actions",
			wider && link("Remove the filters", wider, "button"),
			!due &&
				!deleted &&
				link(q ? `New client “${isolate(q)}”` : "New client", newFor(q), "button"),
			q && !deleted
				? link("Search deleted clients", listAddress({ q, deleted: "true" }), "button")
				: null,
		),
	);
}
const newFor = (q) => (q ? `#/new?${writeQuery({ q })}` : "#/new");

/** Which clients are shown, and of how many. */
function totalText({ page, limit, total, totalPages }, query) {
	const noun = query.due ? "follow-up" : PROPERTY.some((name) => query[name]) ? "buyer" : "client";
	if (totalPages < 2) return total ? counted(total, noun) : `No ${noun}s`;
	const first = (page - 1) * limit + 1;
	const last = Math.min(page * limit, total);
	return `${showNumber(first)} – ${showNumber(last)} of ${showNumber(total)}`;
}

/** Draw the last results. */
function drawList(query, signal) {
	const { clients, meta } = results;
	find(".total").textContent = meta.problem ? "" : totalText(meta, query);
	find(".pager").replaceChildren(...pager(meta, query));
	find(".handout").replaceChildren(query.deleted ? "" : handout(query, signal));
	const list = find(".results");
	redraw(() =>
		list.replaceChildren(
			clients.length ? clientTable(clients, query) : nothing(query, meta.problem),
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
		const reading = call("GET", listPath(query), { signal }).catch(refused);
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
