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

export const row = (...cells) => el("tr", { role: "row" }, cells);
export const cell = (look, ...content) => el("td", { role: "cell", class: look }, content);

/** A table, from its headings and groups: [rows, title]. It has explicit roles, since its elements lose
 *  their own when a narrow screen shows them as cards. */
export function tableOf(look, name, headings, groups) {
	const narrow = headings.filter(([, given]) => !/wide/.test(given?.class));
	// the columns that give way have cells of their own, since a span would keep their room
	const title = (text) =>
		el(
			"tr.group",
			{ role: "row" },
			el("th", { role: "rowheader", colspan: narrow.length }, text),
			headings.filter((heading) => !narrow.includes(heading)).map(([, given]) => cell(given.class)),
		);
	return el(
		"table",
		{ class: look, role: "table", "aria-label": name },
		el(
			"thead",
			{ role: "rowgroup" },
			row(headings.map(([text, given]) => el("th", { role: "columnheader", ...given }, text))),
		),
		groups.map(([rows, text]) => el("tbody", { role: "rowgroup" }, text && title(text), rows)),
	);
}

/** A table of groups of clients: [clients, title]. */
export function clientTable(name, columns, groups) {
	const heading = ([look, , text = label(look.split(" ")[0]), given]) => [
		text,
		{ class: look, ...given },
	];
	const rowOf = (client) => row(columns.map(([look, show]) => cell(look, show(client))));
	const rows = groups.map(([clients, title]) => [clients.map(rowOf), title]);
	return el(
		"div.table",
		{ click: openRow, auxclick: openRow },
		tableOf("clients", name, columns.map(heading), rows),
	);
}

/** A click anywhere in a row is one on its link, except to select text. */
function openRow(event) {
	const name = event.target.closest("tbody tr")?.querySelector(".name a");
	const isOther = event.target.closest("a, button, label, summary");
	if (!name || isOther || event.button > 1 || !getSelection().isCollapsed) return;
	name.dispatchEvent(new MouseEvent(event.type, event));
}
