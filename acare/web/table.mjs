// The table of clients.

import { hiddenMatch } from "./record.mjs";
import { dueIn } from "./due.mjs";
import { fullName, isolate, label, listAddress, showBudget } from "./values.mjs";
import { badge, button, currency, day, dueDate, el, link, mail, phone, value } from "./dom.mjs";
import { owner, person, session } from "./session.mjs";
import { restore } from "./changing.mjs";
import { signature } from "./history.mjs";

/** The class of each column, its title and what it shows of a client. */
const COLUMNS = [
	[
		"name",
		label("name"),
		(client, query) => {
			const due = dueIn(client.tags);
			const match = query.q && hiddenMatch(client, query.q);
			return [
				el("a", { id: client.id, href: `#/client/${client.id}` }, value(fullName(client))),
				due && dueDate(due),
				match && el("small.match", `${label(match.name)}: `, value(match.text)),
			].filter(Boolean);
		},
	],
	["status", label("status"), (client) => badge(client.status)],
	["type", label("client_type"), (client) => label(client.client_type)],
	["budget", label("budget"), (client) => showBudget(client, currency) || null],
	["phone", label("phone"), (client) => phone(client.phone)],
	["email", label("email"), (client) => mail(client.email)],
	[
		"owner",
		label("user_id"),
		({ user_id: id }) => (session.users.size > 1 ? person(owner(id)) : null),
	],
	["changed", label("updated_at"), (client) => day(client.updated_at)],
	[
		"deleted",
		"Deleted",
		(client) =>
			client.deletedAt
				? [
						value(signature(client.deletedBy, client.deletedAt)),
						" ",
						button(
							"Restore",
							() => restore(client.id),
							"",
							`Restore: ${isolate(fullName(client))}`,
						),
					]
				: null,
	],
];

/** The table of clients, without the columns that would be empty. It has explicit roles, since its
 *  elements lose their own when a narrow screen shows them as cards. */
export function clientTable(clients, query) {
	const cells = clients.map((client) => COLUMNS.map(([, , cell]) => cell(client, query)));
	const row = (tag, role, contents) =>
		el(
			"tr",
			{ role: "row" },
			COLUMNS.map(([name], at) =>
				cells.some((others) => others[at] !== null)
					? el(tag, { role, class: name }, contents[at])
					: null,
			),
		);
	return el(
		"div.card",
		{ click: openRow, auxclick: openRow },
		el(
			"table.clients",
			{ role: "table", "aria-label": "Clients" },
			el(
				"thead",
				{ role: "rowgroup" },
				row(
					"th",
					"columnheader",
					COLUMNS.map(([, title]) => title),
				),
			),
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
export function pager({ page, totalPages }, query) {
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
