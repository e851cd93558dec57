// Merging two clients who are one person. The other one may also be a new client that was not saved.

import { counted, explain, fullName, isolate, isUnset, showDay } from "./values.mjs";
import { flatten } from "./record.mjs";
import { changes, entries, joinClients, mergedValues } from "./changes.mjs";
import { dueDate, el, link, say, show, undoButton, value } from "./dom.mjs";
import { call, newNote, ready } from "./session.mjs";
import { finish, isNew, place, readDraft, remember, writeDraft } from "./place.mjs";
import { cell, clientTable, DUE_DATE, OWNER, PHONE, row, STATUS, tableOf, TYPE } from "./table.mjs";
import { forget, revert, shown } from "./versions.mjs";

export async function mergeView({ id, other: otherId }, signal) {
	await ready(signal);
	const client = await call("GET", `v1/clients/${id}`, { signal });
	if (!otherId || otherId === id) return searchView(client, signal);
	const draft = isNew(otherId) ? readDraft(otherId) : null;
	const other = draft?.values ?? flatten(await call("GET", `v1/clients/${otherId}`, { signal }));
	return drawMerge({ client, mine: flatten(client), other, otherId, draft }, signal);
}

// --- the two side by side
function drawMerge(pair, signal) {
	const { mine, other, otherId, draft } = pair;
	const names = [mine, other].map((one) => isolate(fullName(one)));
	const address = `#/client/${mine.id}`;
	const rows = joinClients(mine, other, entryFor(pair));
	const summary = el("p.problem", { role: "alert", tabindex: "-1" });
	const submit = async (event) => {
		event.preventDefault();
		form.inert = true;
		const values = mergedValues(rows, mine, other);
		summary.textContent = (await save(pair, values, signal).catch(failed)) ?? "";
		form.inert = false;
		if (summary.textContent) summary.focus();
	};
	const swapped = `#/client/${otherId}/merge/${mine.id}`;
	const form = el(
		"form.client",
		{ submit },
		summary,
		tableFor(pair, names, rows),
		el(
			"div.actions",
			el("button.main", draft ? "Merge" : `Merge and delete ${names[1]}`),
			link(["Cancel", el("kbd.no-phone", "Esc")], address, "button"),
			draft ? null : link("Keep the other one instead", swapped, "button quiet end no-phone"),
		),
	);
	const hint = draft ? "" : `${names[1]} will be deleted, and a note is added. Undo restores both.`;
	const sides = el("span.phone-only", `Left: ${names[0]}, kept. Right: ${names[1]}.`);
	show("Merge two clients", { back: address, badges: el("span.muted", hint, sides) }, form);
}

/** The note about the merge; null if there is one, or if the other one was never saved. */
function entryFor({ mine, other, draft }) {
	const about = [fullName(other), other.email, other.phone].filter(Boolean).join(", ");
	const text = `Merged with ${about}.`;
	return draft || mine.notes?.includes(text) ? null : newNote(text);
}

const GROUPS = {
	different: ["Different", ": choose which value to keep"],
	joined: ["Combined", ": nothing is lost"],
	notation: ["Different notation", ": the fuller one is kept"],
	equal: ["Equal, or in one client only", ""],
};

function tableFor({ mine, other, draft }, names, rows) {
	const since = ({ created_at: created }) => ` · since ${showDay(created)}`;
	const headings = [
		["Field"],
		[[el("strong", names[0]), ", kept", since(mine)]],
		[[el("strong", names[1]), draft ? ", not saved" : [", deleted", since(other)]]],
		["After the merge"],
	];
	const groups = Object.entries(GROUPS).map(([kind, [title, hint]]) => {
		const some = rows.filter((one) => one.kind === kind);
		return [some.map(fieldRow), [title, " ", el("span.muted", `${some.length}${hint}`)]];
	});
	const used = groups.filter(([some]) => some.length);
	return el("div.table", tableOf("merge", "The two clients", headings, used));
}

/** A row: both values, which can be chosen if they differ, and the result. */
function fieldRow(joined) {
	const { field, sides, kind } = joined;
	const after = cell("after", textOf(field, joined.value));
	const sideOf = (given, at) => {
		const input = () => {
			joined.value = given;
			after.replaceChildren(textOf(field, given));
		};
		const radio = { type: "radio", name: field.name, checked: at === 0, input };
		const text = textOf(field, given);
		return cell("", kind === "different" ? el("label", el("input", radio), text) : text);
	};
	return row(el("th", { role: "rowheader" }, field.label), sides.map(sideOf), after);
}

function textOf(field, given) {
	if (isUnset(given)) return "";
	if (field.kind === "date") return dueDate(given);
	const count = () => counted(entries(given).length, "note");
	if (field.kind === "lines") return el("span", { title: given }, count());
	if (field.name === "tags")
		return el(
			"span",
			given.map((tag) => [el("span.tag", value(tag)), " "]),
		);
	return el("span", shown(field, given, false));
}

// --- the merge, and back
/** Update the client, then delete the other one. If this ends in between, merging again goes on. */
async function save(pair, values, signal) {
	const { client, other, otherId, draft } = pair;
	const body = changes(pair.mine, values);
	const { version } = client;
	const saved = Object.keys(body).length
		? await call("PUT", `v1/clients/${client.id}`, { body, version, signal })
		: client;
	if (!draft) await call("DELETE", `v1/clients/${otherId}`, { version: other.version, signal });
	remember(saved);
	forget(otherId);
	const text = `${isolate(fullName(other))} was merged${draft ? "" : " and deleted"}.`;
	const back = undoButton(() => undo(pair, saved, Object.keys(body)));
	finish(otherId, text, `#/client/${client.id}`, back);
}

/** What is wrong with the values; if nothing is, show the clients as they are now. */
async function failed(error) {
	if (error.name === "AbortError") throw error;
	if (error.status === 400) return explain(error);
	await place.render();
	const text = "One of the two clients has changed. Check the result, and merge again.";
	return say(error.status === 412 ? text : explain(error));
}

/** Bring the other client back, then the old values, unless the client has changed since. */
async function undo({ client, otherId, draft }, saved, names) {
	if (draft) writeDraft(draft);
	else
		await call("POST", `v1/clients/${otherId}/restore`).catch((error) => {
			if (error.status !== 409) throw error; // it was restored already
		});
	const body = Object.fromEntries(names.map((name) => [name, client[name]]));
	const problem = await revert(saved, saved, body).then(() => null, explain);
	await place.render();
	place.countDue();
	say(problem ? `The other client was restored. ${problem}` : "Both clients are as they were.");
}

// --- the search for the other one
function searchView(client, signal) {
	const back = `#/client/${client.id}`;
	const name = ["name", (other) => link(value(fullName(other)), `${back}/merge/${other.id}`)];
	const columns = [name, DUE_DATE, STATUS, TYPE, OWNER, PHONE];
	const found = el("div");
	const search = async () => {
		const q = input.value;
		const query = new URLSearchParams({ q: q.trim(), limit: "10" });
		const { clients } = await call("GET", `v1/clients?${query}`, { signal });
		if (q !== input.value) return; // it is searched for later
		const others = clients.filter(({ id }) => id !== client.id);
		found.replaceChildren(
			others.length
				? clientTable("Clients", columns, [[others]])
				: el("p.muted", "No other client found."),
		);
	};
	let typing = 0;
	const type = () => {
		clearTimeout(typing);
		typing = setTimeout(search, 150);
	};
	const input = el("input", {
		type: "search",
		name: "q",
		"aria-label": "Search",
		autocomplete: "off",
		value: client.last_name.slice(0, 200),
		input: type,
	});
	const title = `Merge with ${isolate(fullName(client))}`;
	const hint = "Which other client is the same person?";
	show(title, { back, badges: el("span.muted", hint) }, el("div.bar", input), found);
	input.select();
	return search();
}
