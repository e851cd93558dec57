// The selection: clients that were chosen in tables, to change them at once. It stays while the lists
// change.

import { apiQuery, fullName, isolate, showNumber } from "./values.mjs";
import { button, el, find, say } from "./dom.mjs";
import { later, pagesOf } from "./session.mjs";
import { selected } from "./place.mjs";

const drawDock = later("./bulk.mjs", "drawDock");
/** The most clients that can be selected. */
export const MAX = 1000;
/** What is selected from: {clients, total, read}; null in a view without. */
export let table = null;
let last = null; // where a range begins: the id that was chosen last

/** Select from these clients, whose table was drawn with the column of ``selectColumn``: of ``total``,
 *  which ``read`` returns. */
export function selectFrom(clients, total, read) {
	table = { clients, total, read };
	for (const client of clients) if (selected.has(client.id)) selected.set(client.id, client);
	drawSelection();
}
addEventListener("shown", () => {
	table = null; // until it is drawn
	drawSelection();
});

/** The first column of a table, with a checkbox for each row and one for all. */
export const selectColumn = () => [
	"select",
	(client) =>
		checkbox(`Select ${isolate(fullName(client))}`, client.id, ({ target, shiftKey }) =>
			choose(client.id, target.checked, shiftKey),
		),
	checkbox("Select this page", "", ({ target }) => select(table.clients, target.checked)),
];
const checkbox = (name, id, click) =>
	el("label", el("input", { type: "checkbox", "aria-label": name, value: id, click }));

/** Select a client of the table, or not; for a range, with all from the one before on. */
function choose(id, isSelected, isRange) {
	const ids = table.clients.map((client) => client.id);
	const ends = [id, isRange && ids.includes(last) ? last : id].map((end) => ids.indexOf(end));
	last = id;
	select(table.clients.slice(Math.min(...ends), Math.max(...ends) + 1), isSelected);
}

/** Select the row that has the focus, or not. */
export function chooseFocused(isRange) {
	const box = document.activeElement.closest("tr")?.querySelector("td.select input");
	if (box) choose(box.value, !box.checked, isRange);
}

/** A button that selects all, or as many as can be. */
export const selectAllButton = (total, look) =>
	button(
		total > MAX ? `Select the first ${showNumber(MAX)}` : `Select all ${showNumber(total)}`,
		async () => select(await table.read(), true),
		look,
	);
export const clearSelection = () => select([...selected.values()], false);

/** All clients that the filters match, or as many as can be selected. */
export async function readAll(query, signal) {
	const found = new Map();
	for await (const { clients } of pagesOf("clients", apiQuery(query), signal)) {
		for (const client of clients) found.set(client.id, client);
		if (found.size >= MAX) break;
	}
	return [...found.values()];
}

function select(clients, isSelected) {
	for (const client of clients) {
		if (!isSelected) selected.delete(client.id);
		else if (selected.size < MAX || selected.has(client.id)) selected.set(client.id, client);
		else say(`At most ${showNumber(MAX)} clients can be selected.`);
	}
	drawSelection();
}

/** Show what is selected: in the rows, and in the dock. */
export function drawSelection() {
	const boxes = [...document.querySelectorAll("td.select input")];
	for (const box of boxes) box.checked = selected.has(box.value);
	const count = boxes.filter((box) => box.checked).length;
	const all = find("th.select input");
	if (all) {
		all.checked = count > 0 && count === boxes.length;
		all.indeterminate = count > 0 && count < boxes.length;
	}
	if (selected.size || find("#selection").hasChildNodes()) drawDock();
}
