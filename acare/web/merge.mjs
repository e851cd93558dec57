// Merging two clients who are one person: finding the other one, choosing, and deleting it. The other
// one may also be a new client that was not saved.

import { fullName, isolate } from "./values.mjs";
import { flatten, nest } from "./record.mjs";
import { joinClients } from "./changes.mjs";
import { button, el, link, show, value } from "./dom.mjs";
import { call, newNote, ready } from "./session.mjs";
import { isNew, readDraft, removeOther } from "./saving.mjs";
import { shown } from "./history.mjs";
import { drawForm, twinRow } from "./form.mjs";

export async function mergeView({ id, other }, signal) {
	await ready(signal);
	const survivor = await call("GET", `v1/clients/${id}`, { signal });
	if (!other) return searchView(survivor, signal);
	const pending = readDraft(`merge:${other}`);
	if (pending) return secondStep(survivor, pending.other, signal);
	const kept = readDraft(id);
	if (kept?.other?.id === other) return drawForm(kept, signal);
	const unsaved = isNew(other) && readDraft(other);
	const theirs = unsaved
		? { ...nest(unsaved.values), id: other }
		: await call("GET", `v1/clients/${other}`, { signal });
	return drawForm(draftOf(survivor, theirs, kept), signal);
}

/** The draft of the merged client, with what was typed before. */
function draftOf(survivor, other, kept) {
	const name = fullName(other);
	const about = [name, other.email, other.phone].filter(Boolean).join(", ");
	const entry = isNew(other.id) ? null : newNote(`Merged with ${about} (deleted).`);
	const mine = kept ? nest(kept.values) : survivor;
	const { values, differing } = joinClients(mine, other, entry);
	const text = (field, given) => el("p", shown(field, given, false)).textContent;
	const notes = differing.map(({ field, choices }) => [
		field.name,
		choices
			? {
					text: "They differ.",
					isInvalid: true,
					choices: choices.map((given) => [text(field, given), given]),
				}
			: { text: `Includes what ${isolate(name)} has.`, isMarked: true },
	]);
	return {
		id: survivor.id,
		base: kept?.base ?? flatten(survivor),
		values,
		notes: Object.fromEntries(notes),
		isAsked: true,
		other: { id: other.id, version: other.version, name },
	};
}

/** Find the other client by the usual search. */
function searchView(survivor, signal) {
	const found = el("ul.keys.card");
	const search = async () => {
		const query = new URLSearchParams({ q: input.value.trim(), limit: "10" });
		const { clients } = await call("GET", `v1/clients?${query}`, { signal });
		const others = clients.filter(({ id }) => id !== survivor.id);
		const rows = others.map((client) =>
			twinRow(client, [["Merge", `#/client/${survivor.id}/merge/${client.id}`]]),
		);
		found.replaceChildren(...(rows.length ? rows : [el("li.hint", "No other client found.")]));
	};
	let typing = 0;
	const type = () => {
		clearTimeout(typing);
		typing = setTimeout(search, 150);
	};
	const input = el("input", {
		type: "search",
		"aria-label": "Search",
		autocomplete: "off",
		value: survivor.last_name.slice(0, 200),
		input: type,
	});
	show(
		`Merge with ${isolate(fullName(survivor))}`,
		{ back: `#/client/${survivor.id}` },
		el("p.hint", "Which other client is the same person? It is deleted once both are merged."),
		input,
		found,
	);
	input.select();
	return search();
}

/** The merged client is saved, the other one is still there. */
function secondStep(survivor, other, signal) {
	const text = `${isolate(fullName(survivor))} has the data of both. ${isolate(other.name)} is still there.`;
	show(
		`Merge with ${isolate(fullName(survivor))}`,
		{ back: `#/client/${survivor.id}` },
		el("p", { role: "alert" }, value(text)),
		el(
			"div.actions",
			button(`Delete ${isolate(other.name)}`, () => removeOther(survivor, other, signal), "main"),
			link("Look at it first", `#/client/${other.id}`, "button"),
		),
	);
}
