// A client: its status and facts, beside its notes.

import { dueIn, fullName, inMetres, isUnset, label, showBudget, showNumber } from "./values.mjs";
import { fieldsOf, flatten, vcard } from "./record.mjs";
import {
	badge,
	button,
	choicesOf,
	currency,
	dueDate,
	el,
	link,
	menu,
	redraw,
	saveFile,
	select,
	show,
	value,
} from "./dom.mjs";
import { call, ready, signature } from "./session.mjs";
import { draftNotes, knownClient, place, remember, results, walkOf } from "./place.mjs";
import { historyOf, readHistory, remove, restore, showSaved, shown, update } from "./versions.mjs";
import { journalOf, noteField } from "./notes.mjs";

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
}

const around = (id) => ({ back: place.list ?? "#/", beside: walkOf(id) });

function drawClient(client, past, signal) {
	const due = dueIn(client.tags);
	const contact = () => saveFile(vcard(client), "text/vcard", `${fullName(client)}.vcf`);
	const more = [
		button("Save contact", contact),
		link("Merge…", `#/client/${client.id}/merge`),
		button("Delete", () => remove(client, signal), "danger"),
	];
	show(
		fullName(client),
		{
			...around(client.id),
			badges: [badge(client.client_type), statusOf(client), due && dueDate(due)],
			actions: [link("Edit", `#/client/${client.id}/edit`, "button"), menu("More", more)],
		},
		draftNotes((one) => one === client.id),
		el(
			"div.columns",
			el("div", noteField(client), journalOf(client)),
			el("div.aside", factsOf(client), past),
		),
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
	const save = async () => {
		const before = saved;
		const chosen = control.value;
		if (chosen === before) return;
		saved = chosen;
		const set = ({ status }) => (status === chosen ? null : { status: chosen });
		const done = await update(client, set).catch((error) => {
			control.value = saved = before;
			throw error;
		});
		showSaved(done);
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

const CONTACT = ["phone", "email", "user_id", "source", "tags"];
/** What is known of a client, since blanks would hide it. */
function factsOf(client) {
	const values = flatten(client);
	const fields = fieldsOf(values).filter(({ name }) => !isUnset(values[name]));
	const rowsOf = (isShown) =>
		fields.filter(isShown).map((field) => [field.label, shown(field, values[field.name])]);
	const { bedrooms_min: bedrooms, bathrooms_min: bathrooms, square_feet_min: size } = values;
	const rooms = [
		bedrooms === null ? null : `${showNumber(bedrooms)}+ bedrooms`,
		bathrooms === null ? null : `${showNumber(bathrooms)}+ bathrooms`,
	];
	const isApproved = client.pre_approved ? "✓ " : "";
	return [
		facts(
			"",
			rowsOf(({ name }) => CONTACT.includes(name)),
		),
		facts("Search profile", [
			["Budget", showBudget(client, currency)],
			["Pre-approved", isApproved + showNumber(client.pre_approval_amount, undefined, currency)],
			["Places", client.preferred_locations.join(", ")],
			["Types", label((values.property_types ?? []).join(", "))],
			["Rooms", rooms.filter(Boolean).join(", ")],
			["Size", size === null ? "" : `${showNumber(size)}+ sq ft (${inMetres(size)})`],
			...rowsOf(({ kind }) => kind === "detail"),
		]),
	];
}
function facts(title, rows) {
	const known = rows.filter(([, content]) => content);
	if (!known.length) return null;
	return el(
		"section.card.facts",
		title && el("h2", title),
		el(
			"dl",
			known.map(([name, content]) => el("div", el("dt", value(name)), el("dd", content))),
		),
	);
}
