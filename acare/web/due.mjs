// The follow-ups: who is to be called when. Each is done, or put off, from its row.

import {
	counted,
	dateOf,
	daysUntil,
	dueIn,
	dueText,
	fullName,
	isolate,
	listAddress,
	offered,
	shortDay,
	showNumber,
	withDue,
} from "./values.mjs";
import { paragraphs } from "./record.mjs";
import { ask, button, el, field, find, menu, no, redraw, say, show, value, yes } from "./dom.mjs";
import { ready, session, stored } from "./session.mjs";
import { place, remember, results } from "./place.mjs";
import { fillControls, listeners } from "./inputs.mjs";
import { findPlace, showResults } from "./list.mjs";
import { readAll } from "./selection.mjs";
import { clientTable, DUE_DATE, NAME, OWNER, PHONE, TYPE } from "./table.mjs";
import { undoUpdate, update } from "./versions.mjs";

const PATH = "#/due";

// --- the rows
const columnsOf = () =>
	[
		DUE_DATE,
		NAME,
		["type wide", TYPE[1]],
		["last-note full", lastNote, "Last note"],
		PHONE,
		session.users.size > 1 && OWNER,
		["acts", actsOf, el("span.unseen", "Actions")],
	].filter(Boolean);

/** The first paragraph of the notes, with its date. */
function lastNote({ notes }) {
	const [text] = paragraphs(notes);
	if (!text) return el("i.muted", "No note");
	const [head = "", date] = text.match(/^(\d{4}-\d\d-\d\d) \d\d:\d\d \S+: /) ?? [];
	const day = head && !Number.isNaN(daysUntil(date)) && el("span.muted", `${shortDay(date)}: `);
	return el("span", { title: text }, day, value(text.slice(head.length)));
}

function actsOf(client) {
	const name = isolate(fullName(client));
	const dates = offered()
		.slice(1) // not today
		.map(([date, text]) =>
			button([text, el("span.muted", shortDay(date))], () => setDue(client, date)),
		);
	return [
		button("Done", () => setDue(client, null), "small", `Done: ${name}`),
		" ",
		menu("Later", [...dates, button("On…", () => askForDate(client))], {
			look: "small",
			name: `Later: ${name}`,
		}),
	];
}

/** The groups, each with its last day from today. */
const GROUPS = [
	["Overdue", -1],
	["Today", 0],
	["Next 7 days", 7],
	["Later", Infinity],
];
const groupOf = ({ tags }) => GROUPS.findIndex(([, last]) => daysUntil(dueIn(tags)) <= last);
const groupsOf = (clients) =>
	GROUPS.map(([title], at) => {
		const group = clients.filter((client) => groupOf(client) === at);
		return [group, [title, " ", el("span.muted", showNumber(group.length))]];
	}).filter(([group]) => group.length);

// --- another date
const leaving = new Set(); // the ids of rows that are being saved

async function askForDate(client) {
	const input = el("input", { type: "date", name: "date", required: true, min: dateOf() });
	const given = await ask(`Follow up with ${isolate(fullName(client))}`, field("Date", input), [
		yes("Save"),
		no(),
	]);
	return given && setDue(client, given.date);
}

/** Give a client another follow-up, or none. The row leaves at once, and the next one has the focus. */
async function setDue(client, date) {
	const before = dueIn(client.tags);
	const name = isolate(fullName(client));
	leaving.add(client.id);
	focusNext(client);
	draw();
	try {
		const done = await update(client, ({ tags }) =>
			dueIn(tags) === before ? { tags: withDue(tags, date) } : null,
		);
		put(done.saved);
		const text = date
			? `Follow-up of ${name}: ${dueText(date)}.`
			: `Done: ${name}, follow-up of ${shortDay(before)}.`;
		if (dueIn(done.saved.tags) === date) say(text, undoUpdate(done));
		else say(`${name} was changed in the meantime.`);
	} finally {
		leaving.delete(client.id);
		draw();
		place.countDue();
	}
}

/** The order of the server. */
const byDate = (a, b) =>
	dueIn(a.tags).localeCompare(dueIn(b.tags)) || b.created_at.localeCompare(a.created_at);

/** Keep a client as it was saved, also in the rows. */
function put(client) {
	remember(client);
	if (!document.forms.due) return place.refresh?.();
	const others = results.clients.filter(({ id }) => id !== client.id);
	const all = dueIn(client.tags) ? [...others, client] : others;
	results.clients = all.sort(byDate);
}

/** Move the focus from the row of a client to the next one or, at the end, to the one before. */
function focusNext({ id }) {
	const rows = [...document.querySelectorAll("td.name a")];
	const at = rows.findIndex((row) => row.id === id);
	const row = rows[at]?.closest("tr");
	if (row?.contains(document.activeElement) || document.activeElement === document.body)
		(rows[at + 1] ?? rows[at - 1] ?? find("h1")).focus();
}

// --- the view
function controlsOf() {
	const radio = ([id, text]) =>
		el("label", el("input", { type: "radio", name: "user_id", value: id }), text);
	const choices = [
		[session.me.id, "Mine"],
		["", "All"],
	];
	const search = { type: "search", name: "q", maxlength: "200", autocomplete: "off" };
	return el(
		"form.filters",
		{ name: "due", role: "search", ...listeners(PATH) },
		el(
			"div.bar",
			el("h1", { tabindex: "-1" }, "Due"),
			session.users.size > 1 &&
				el("div.choice", { role: "radiogroup", "aria-label": "Whose" }, choices.map(radio)),
			el("input", { ...search, "aria-label": "Search", placeholder: "Search follow-ups" }),
			el("span.total.muted.end.no-phone", { role: "status" }),
		),
		el("button", { hidden: true }), // which Enter presses
	);
}

/** All follow-ups, or as many as can be selected. For the walk, they are one page. */
async function read(query, signal) {
	const clients = await readAll(query, signal);
	const total = clients.length;
	return { clients, meta: { page: 1, limit: total, total } };
}

/** Draw the last results, if they are shown, once no menu in them is open. */
function draw() {
	if (!document.forms.due) return;
	const opened = find(".results [open]");
	if (opened) return opened.addEventListener("toggle", draw, { once: true });
	const rows = results.clients.filter(({ id }) => !leaving.has(id));
	const none = () =>
		el(
			"div.empty.table",
			el("h2", "No follow-ups"),
			el("p.muted", "To add one, set a date next to a note."),
		);
	find(".total").textContent = counted(rows.length, "follow-up");
	redraw(() =>
		find(".results").replaceChildren(
			rows.length ? clientTable("Follow-ups", columnsOf(), groupsOf(rows)) : none(),
		),
	);
	findPlace();
}

export async function dueView({ query: { q, user_id: id } }, signal) {
	await ready(signal);
	const query = { q, user_id: id, due: "any" };
	const address = listAddress({ q, user_id: id }, PATH);
	if (location.hash !== address) return location.replace(address); // of an earlier version
	if (!document.forms.due) {
		place.list = null; // the controls are empty
		show("Due", { heading: controlsOf() }, el("div.results"));
	}
	fillControls(document.forms.due, { q, user_id: id }, address);
	localStorage.setItem(stored("due"), id);
	place.countDue();
	return showResults(address, query, () => read(query, signal), draw);
}
