// The table of clients: the columns that several views have, its rows and its groups.

import { dueIn, fullName, label } from "./values.mjs";
import { badge, dueDate, el, phone, value } from "./dom.mjs";
import { owner, person } from "./session.mjs";

/** A column: its classes, what its cells show of a client, the heading, if that is not the first
 *  class in words, and attributes of the heading. ``side`` stands beside the name on a phone, ``full``
 *  in a line of its own; ``wide`` and ``wider`` give way on narrow screens. */
export const NAME = [
	"name",
	(client) =>
		el(
			"a",
			{ id: client.id, href: `#/client/${client.id}`, title: fullName(client) },
			value(fullName(client)),
		),
];
export const DUE_DATE = [
	"due-date side",
	({ tags }) => dueIn(tags) && dueDate(dueIn(tags)),
	label("due"),
];
export const STATUS = ["status", (client) => badge(client.status)];
export const TYPE = ["type", (client) => label(client.client_type)];
export const OWNER = ["owner wide", (client) => person(owner(client.user_id))];
export const PHONE = ["phone", (client) => phone(client.phone)];

const row = (...cells) => el("tr", { role: "row" }, ...cells);
const heading = ([name, , text = label(name.split(" ")[0]), given]) =>
	el("th", { role: "columnheader", class: name, ...given }, text);

/** The rows of some clients, below a title if they have one. */
function rowsOf([clients, title], columns) {
	const cells = (client) =>
		columns.map(([name, show]) => el("td", { role: "cell", class: name }, show(client)));
	return el(
		"tbody",
		{ role: "rowgroup" },
		title &&
			el(
				"tr.group",
				{ role: "row" },
				el("th", { role: "rowheader", colspan: columns.length }, title),
			),
		clients.map((client) => row(cells(client))),
	);
}

/** A table of groups: [clients, title]. It has explicit roles, since its elements lose their own when
 *  a narrow screen shows them as cards. */
export const clientTable = (name, columns, groups) =>
	el(
		"div.table",
		{ click: openRow, auxclick: openRow },
		el(
			"table.clients",
			{ role: "table", "aria-label": name },
			el("thead", { role: "rowgroup" }, row(columns.map(heading))),
			groups.map((group) => rowsOf(group, columns)),
		),
	);

/** A click anywhere in a row is one on its link, except to select text. */
function openRow(event) {
	const name = event.target.closest("tbody tr")?.querySelector(".name a");
	const isOther = event.target.closest("a, button, label, summary");
	if (!name || isOther || event.button > 1 || !getSelection().isCollapsed) return;
	name.dispatchEvent(new MouseEvent(event.type, event));
}
