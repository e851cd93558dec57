// A client: its status, notes and facts.

import {
	dateOf,
	dueIn,
	fullName,
	isUnset,
	label,
	offered,
	same,
	showBudget,
	withDue,
} from "./values.mjs";
import { fieldsOf, flatten, vcard } from "./record.mjs";
import {
	badge,
	button,
	choicesOf,
	currency,
	dueDate,
	el,
	focusHeading,
	link,
	redraw,
	saveFile,
	say,
	select,
	show,
	value,
} from "./dom.mjs";
import { call, newNote, ready, signature } from "./session.mjs";
import {
	draftNotes,
	drafts,
	dropDraft,
	knownClient,
	place,
	readAhead,
	readDraft,
	remember,
	results,
	walkOf,
	writeDraft,
} from "./place.mjs";
import {
	historyOf,
	lines,
	readHistory,
	remove,
	restore,
	showSaved,
	shown,
	update,
} from "./versions.mjs";

/** A client is drawn at once if the list has it, and again if it has changed meanwhile. */
export async function clientView({ id }, signal) {
	const known = knownClient(id);
	const past = el("div.past");
	let version = null; // the one that is shown
	const draw = (client) => {
		({ version } = client);
		remember(client);
		drawClient(client, past, signal);
	};
	if (known && !known.deletedAt) draw(known);
	place.refresh = async () => {
		const headers = version ? { "If-None-Match": `"${version}"` } : {};
		const { 0: client, 1: history } = await Promise.all([
			call("GET", `v1/clients/${id}`, { headers, signal }),
			readHistory(id, signal),
			ready(signal),
		]);
		if (client && version) redraw(() => draw(client));
		else if (client) draw(client);
		if (client || !past.hasChildNodes())
			past.replaceChildren(historyOf(id, history, client ?? known));
	};
	await place.refresh();
	await readAhead(id, signal).catch(() => null); // it is read when it is shown
}

const around = (id) => ({ isNarrow: true, back: place.list ?? "#/", beside: walkOf(id) });

function drawClient(client, past, signal) {
	const due = dueIn(client.tags);
	show(
		fullName(client),
		{
			...around(client.id),
			badges: [badge(client.client_type), statusOf(client), due && dueDate(due)],
			actions: [
				link("Edit", `#/client/${client.id}/edit`, "button main"),
				button("Save contact", () =>
					saveFile(vcard(client), "text/vcard", `${fullName(client)}.vcf`),
				),
				link("Merge…", `#/client/${client.id}/merge`, "button"),
				button("Delete", () => remove(client, signal), "danger"),
			],
		},
		draftNotes((one) => one === client.id),
		el("div.columns", el("div", notesOf(client), factsOf(client)), past),
	);
}

/** A client that this person cannot find: who deleted it, its facts, and a button to restore it. */
export async function goneView(id, signal) {
	const history = await readHistory(id, signal).catch(() => ({ versions: [] }));
	const [last] = history.versions;
	if (last && last.action !== "deleted") return place.render(); // restored meanwhile
	// there is no request for one
	const { clients } = await call("GET", "v1/clients?deleted=true&limit=100", { signal });
	const client = last && [...results.clients, ...clients].find((one) => one.id === id);
	return show(
		client ? fullName(client) : "Client not found",
		{
			...around(id),
			actions: last && button("Restore", () => restore(id), "main"),
		},
		el(
			"p",
			last
				? `Deleted by ${signature(last.by, last.at)}`
				: "It was deleted, or it now belongs to someone else.",
		),
		draftNotes((one) => one === id),
		el("div.columns", client && factsOf(client), last && historyOf(id, history)),
	);
}

/** The status saves at once or, by keyboard, on Enter or when it is left: each arrow changes it. */
function statusOf(client) {
	let saved = client.status;
	let isTyping = false;
	const set = (from, to) =>
		update(from, (newest) => (newest.status === to ? null : { status: to }));
	const save = async () => {
		const before = saved;
		const chosen = control.value;
		if (chosen === before) return;
		saved = chosen;
		const changed = await set(client, chosen).catch((error) => {
			control.value = saved = before;
			throw error;
		});
		showSaved(changed, () => set(changed, before).then((undone) => showSaved(undone)));
	};
	const keydown = ({ key }) => {
		isTyping = true;
		if (key === "Escape") control.value = saved;
		if (key === "Enter") save();
	};
	const pointerdown = () => {
		isTyping = false;
	};
	const change = () => (isTyping ? null : save());
	const control = select(
		{
			id: "status",
			"aria-label": "Status",
			value: client.status,
			change,
			keydown,
			pointerdown,
			blur: save,
		},
		choicesOf("status"),
	);
	return el("span", { class: `badge ${client.status}` }, control);
}

const ELSEWHERE = [
	"first_name",
	"last_name",
	"client_type",
	"status",
	"due",
	"notes",
	"budget_max",
];
/** The facts that are known, since blanks and the default of a flag would hide them. */
function factsOf(client) {
	const values = flatten(client);
	return el(
		"section.card.facts",
		el("h2", "Details"),
		el(
			"dl",
			fieldsOf(values).map((field) => {
				const isBudget = field.name === "budget_min"; // with the maximum
				const title = isBudget ? label("budget") : field.label;
				const given = isBudget ? showBudget(client, currency) : values[field.name];
				const isNo = field.kind === "flag" && !given;
				if (ELSEWHERE.includes(field.name) || isUnset(given) || isNo) return null;
				const fact = [el("dt", value(title)), el("dd", shown(field, given))];
				return el("div", { class: field.kind }, fact);
			}),
		),
	);
}

// --- notes, and a field for another one with the date of a follow-up
/** The body of an update: a new entry before the other notes, and another follow-up or none. */
function bodyFor({ entry, due }, { notes, tags }) {
	const isNew = entry && !notes?.includes(entry);
	const next = due === undefined ? tags : withDue(tags, due);
	if (!isNew && same(next, tags)) return null;
	return {
		...(isNew && { notes: [entry, notes].filter(Boolean).join("\n\n") }),
		...(!same(next, tags) && { tags: next }),
	};
}

const sending = new Set(); // the ids of drafts
/** Save a draft: {text, due}. Its entry has the time and the author. The field is empty at once, for
 *  another note with a draft of its own. */
async function save(client, draft) {
	const text = draft.text.trim();
	// It stays the same one if this is tried again.
	if (text) draft.entry ??= newNote(text);
	writeDraft(draft);
	const drawField = () =>
		redraw(() => document.getElementById(`note:${client.id}`)?.replaceWith(noteField(client)));
	sending.add(draft.id);
	say("");
	focusHeading();
	drawField();
	try {
		const saved = await update(client, (newest) => bodyFor(draft, newest));
		dropDraft(draft.id);
		showSaved(saved);
	} finally {
		sending.delete(draft.id);
		drawField();
	}
}

/** The choice of a date: {node, read}. ``read`` returns undefined without one. */
function dueChoice(date) {
	const choice = select({ id: "due", "aria-label": "Follow up", value: date && "other" }, [
		["", "Follow up…"],
		...offered(),
		["other", "On…"],
	]);
	const given = { type: "date", "aria-label": "Date of the follow-up", value: date };
	const other = el("input", { ...given, min: dateOf() });
	const showOther = () => {
		other.hidden = other.disabled = choice.value !== "other";
	};
	choice.addEventListener("input", showOther);
	showOther();
	const read = () => (choice.value === "other" ? other.value : choice.value) || undefined;
	return { node: el("div.follow-up", choice, other), read };
}

/** What is typed is a draft until it is saved. */
function noteField(client) {
	const field = `note:${client.id}`;
	const isOpen = (one) => one.id.startsWith(field) && !sending.has(one.id);
	const id = drafts().find(isOpen)?.id ?? `${field}:${new Date().toISOString()}`;
	const kept = readDraft(id);
	const text = el("textarea", {
		id: "note",
		rows: "1",
		"aria-label": "Add note",
		placeholder: "New note",
		value: kept?.text,
	});
	const due = dueChoice(kept?.due ?? "");
	const name = fullName(client);
	const address = `#/client/${client.id}`;
	const typed = () => ({ id, text: text.value, due: due.read(), label: name, address });
	const keep = () => (text.value.trim() || due.read() ? writeDraft(typed()) : dropDraft(id));
	const submit = (event) => {
		event.preventDefault();
		const draft = readDraft(id);
		return draft ? save(client, draft) : text.focus();
	};
	const done = () => save(client, { ...typed(), ...readDraft(id), due: due.read() ?? null });
	return el(
		"form.note-field",
		{ id: field, input: keep, submit },
		text,
		due.node,
		el("button", { id: "add-note" }, "Save note"),
		dueIn(client.tags) && button("Done", done, "", "Follow-up done"),
	);
}

const notesOf = (client) =>
	el(
		"section.card",
		el("h2", label("notes")),
		noteField(client),
		client.notes ? lines(client.notes) : null,
	);
