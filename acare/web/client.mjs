// A client: its status, notes and facts.

import { FIELDS, flatten } from "./record.mjs";
import { vcard } from "./contact.mjs";
import { dueIn } from "./due.mjs";
import { fullName, label, showBudget } from "./values.mjs";
import {
	badge,
	button,
	choicesOf,
	currency,
	dueDate,
	el,
	link,
	redraw,
	saveFile,
	select,
	show,
	value,
} from "./dom.mjs";
import { call, ready } from "./session.mjs";
import { place, remember, results } from "./place.mjs";
import { draftNote } from "./drafts.mjs";
import { remove, restore, showSaved, update } from "./changing.mjs";
import { historyOf, isUnset, readHistory, shown, signature } from "./history.mjs";
import { notesOf } from "./notes.mjs";
import { readAhead, walkOf } from "./walk.mjs";

/** A client is drawn at once if the list has it, and again if it has changed meanwhile. */
export async function clientView({ id }, signal) {
	const known = [place.latest, place.ahead, ...results.clients].find((client) => client?.id === id);
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
		const [client, history] = await Promise.all([
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

function drawClient(client, past, signal) {
	const due = dueIn(client.tags);
	show(
		fullName(client),
		{
			back: place.list ?? "#/",
			beside: walkOf(client.id),
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
		draftNote(client.id),
		el("div.columns", el("div", notesOf(client), factsOf(client)), past),
	);
}

/** A client that this person cannot find: who deleted it, its facts, and a button that restores it.
 *  */
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
			back: place.list ?? "#/",
			actions: last && button("Restore", () => restore(id), "main"),
		},
		el(
			"p",
			last
				? `Deleted by ${signature(last.by, last.at)}`
				: "It was deleted, or it now belongs to someone else.",
		),
		draftNote(id),
		el("div.columns", client && factsOf(client), last && historyOf(id, history)),
	);
}

/** The status saves at once or, by keyboard, on Enter or when it is left: each arrow changes it. */
function statusOf(client) {
	let [saved, isTyping] = [client.status, false];
	const set = (from, to) =>
		update(from, (newest) => (newest.status === to ? null : { status: to }));
	const save = async () => {
		const [before, chosen] = [saved, control.value];
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
			class: `badge ${client.status}`,
			"aria-label": "Status",
			value: client.status,
			change,
			keydown,
			pointerdown,
			blur: save,
		},
		choicesOf("status"),
	);
	return control;
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
/** The facts that are known, since blanks and the default of a flag would hide them; each detail is
 *  one. */
function factsOf(client) {
	const values = flatten(client);
	const fact = (field, given) =>
		el("div", { class: field.kind }, el("dt", value(field.label)), el("dd", shown(field, given)));
	return el(
		"section.card.facts",
		el("h2", "Details"),
		el(
			"dl",
			FIELDS.flatMap((field) => {
				const isBudget = field.name === "budget_min"; // with the maximum
				const given = isBudget ? showBudget(client, currency) : values[field.name];
				if (ELSEWHERE.includes(field.name) || isUnset(given) || given === false) return [];
				if (field.kind !== "details")
					return [fact(isBudget ? { label: label("budget") } : field, given)];
				return Object.entries(given).map(([name, detail]) => fact({ label: label(name) }, detail));
			}),
		),
	);
}
