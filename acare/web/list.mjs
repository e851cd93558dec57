// The list of clients: its table and pages.

import {
	apiQuery,
	counted,
	dateOf,
	explain,
	fullName,
	isolate,
	label,
	listAddress,
	listPath,
	plainTags,
	same,
	shortBudget,
	showBudget,
	showNumber,
	writeQuery,
} from "./values.mjs";
import { hiddenMatch } from "./record.mjs";
import { button, currency, el, find, link, mail, menu, redraw, saveFile, value } from "./dom.mjs";
import { call, later, ready, session, signature } from "./session.mjs";
import { place, results } from "./place.mjs";
import { drawFrame, limitsOf, openFirst } from "./inputs.mjs";
import { readAll, selectAllButton, selectColumn, selectFrom } from "./selection.mjs";
import { clientTable, DUE_DATE, NAME, OWNER, PHONE, STATUS, TYPE } from "./table.mjs";

const restore = later("./versions.mjs", "restore");
/** The columns of a list. */
function columnsOf(query) {
	const found = ["found full", (client) => match(client, query.q), "Found in"];
	const tags = ["tags wide", (client) => tagsOf(client, query)];
	if (query.deleted) return [NAME, PHONE, OWNER, ["deleted full", deletion]];
	return [
		selectColumn(),
		[...NAME, sortLink(query), { "aria-sort": query.sort === "name" && "ascending" }],
		DUE_DATE,
		STATUS,
		TYPE,
		["budget", budget],
		query.q ? found : tags,
		["email wider", (client) => mail(client.email)],
		session.users.size > 1 && OWNER,
		PHONE,
	].filter(Boolean);
}
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

/** The heading of the names, which sorts the list. */
const sortLink = (query) =>
	link("Name", listAddress({ ...query, sort: query.sort === "name" ? "" : "name", page: "" }));

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
/** Save the clients of a query as a file. */
export async function download(query, signal) {
	const path = `v1/clients.csv?${apiQuery(query)}`;
	const file = await call("GET", path, { as: "blob", signal });
	saveFile(file, file.type, `clients-${dateOf()}.csv`);
}

/** For all clients that the filters match: one change, or a file. */
function handout(query, signal) {
	const filters = { ...query, page: "" };
	const { total } = results.meta;
	return menu("More", [
		total && button("Download CSV", () => download(filters, signal)),
		total && selectAllButton(total),
		link("Deleted clients", listAddress({ q: query.q, deleted: "true" })),
	]);
}

/** In place of the table: the problem with the filters, or what to do about an empty list. */
function nothing(query, problem) {
	if (problem) return el("p.problem", { role: "alert" }, problem);
	const { q, deleted } = query;
	const limits = limitsOf(query).filter(([name]) => name !== "q");
	const title = q
		? `No client found for “${isolate(q)}”`
		: limits.length || deleted
			? "No clients found"
			: "No clients yet";
	const isFirst = !q && !deleted && !limits.length;
	const search =
		"The search matches the beginnings of words in names, e-mail, phone, tags, places and notes.";
	const words = limits.map(([, kind, text]) => `the ${kind.toLowerCase()} ${isolate(text)}`);
	const without = limits.length > 1 ? "these filters" : `the ${limits[0]?.[1].toLowerCase()}`;
	return el(
		"div.empty.table",
		el("h2", title),
		isFirst &&
			el("p.muted", "Add the first one, or import a file with ", el("code", "acare import"), "."),
		el("p.muted", q ? `${search} ` : "", words.length > 0 && `Limited to ${words.join(" and ")}.`),
		el(
			"div.actions",
			words.length > 0 && link(`Search without ${without}`, listAddress({ q, deleted }), "button"),
			!deleted &&
				link(
					q ? `New client “${isolate(q)}”` : "New client",
					newFor(q),
					`button ${isFirst ? "main" : ""}`,
				),
			q && !deleted
				? link("Search deleted clients", listAddress({ q, deleted: "true" }), "button")
				: null,
		),
	);
}
const newFor = (q) => (q ? `#/new?${writeQuery({ q })}` : "#/new");

/** Which clients are shown, and of how many. */
function totalText({ page, limit, total, totalPages }) {
	if (totalPages < 2) return total ? counted(total, "client") : "No clients";
	const first = (page - 1) * limit + 1;
	const last = Math.min(page * limit, total);
	return `${showNumber(first)} – ${showNumber(last)} of ${showNumber(total)}`;
}

/** Draw the last results. */
function drawList(query, signal) {
	const { clients, meta } = results;
	find(".total").textContent = meta.problem ? "" : totalText(meta);
	find(".pager").replaceChildren(...pager(meta, query));
	find(".handout").replaceChildren(query.deleted ? "" : handout(query, signal));
	const list = find(".results");
	redraw(() =>
		list.replaceChildren(
			clients.length
				? clientTable("Clients", columnsOf(query), [[clients]])
				: nothing(query, meta.problem),
		),
	);
	if (!query.deleted)
		selectFrom(clients, meta.total ?? 0, () => readAll({ ...query, page: "" }, signal));
	list.ariaBusy = false;
	findPlace();
}

/** Focus the row of the client who was opened last, if nothing else has the focus; without one, the
 *  heading. */
export function findPlace() {
	const row = document.getElementById(results.id);
	if (!document.activeElement.matches("body, h1")) return;
	(row ?? find("h1")).focus({ preventScroll: true });
	row?.scrollIntoView({ block: "nearest" });
	if (row) results.id = null;
}

/** Show a list: its last results at once, and then what ``read`` returns. ``draw`` draws the last
 *  results. */
export async function showResults(address, query, read, draw) {
	const isKnown = () => results.address === address;
	place.refresh = async () => {
		const found = await read();
		// the controls have changed meanwhile, the view not yet
		if ((place.list ?? address) !== address) return;
		if (isKnown() && same(found, { clients: results.clients, meta: results.meta }))
			return openFirst();
		if (!isKnown()) scrollTo(0, 0); // it is another list, or another page
		Object.assign(results, { address, query, ...found });
		draw();
		results.id = null;
		openFirst();
	};
	if (isKnown()) {
		draw();
		scrollTo(0, results.scroll);
	}
	await place.refresh();
}

export async function listView({ query }, signal) {
	const refused = (error) => {
		if (error.status !== 400) throw error;
		return { clients: [], meta: { problem: explain(error) } };
	};
	const read = async () => {
		const reading = call("GET", listPath(query), { signal }).catch(refused);
		const { clients, meta } = (await Promise.all([reading, ready(signal)]))[0];
		return { clients: clients.map((client, at) => ({ ...client, ...meta.deleted?.[at] })), meta };
	};
	const draw = () => {
		const { clients, meta } = results;
		if (meta.total && !clients.length) {
			// the list is shorter than it was
			return location.replace(listAddress({ ...query, page: String(meta.totalPages) }));
		}
		if (!document.forms.list) drawFrame(query);
		return drawList(query, signal);
	};
	if (session.me) drawFrame(query);
	await showResults(listAddress(query), query, read, draw);
}
