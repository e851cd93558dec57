// The history of a client, and the values of its fields as a person reads them.

import {
	counted,
	isUnset,
	label,
	listAddress,
	same,
	showDay,
	showHour,
	showNumber,
} from "./values.mjs";
import { fieldsOf, flatten, inputText } from "./record.mjs";
import { isAddition, laterNotes } from "./changes.mjs";
import {
	ask,
	badge,
	button,
	copy,
	currency,
	el,
	link,
	mail,
	no,
	phone,
	redraw,
	say,
	value,
	yes,
} from "./dom.mjs";
import { call, isEditable, nameOf, owner, person } from "./session.mjs";
import { readDraft, writeDraft } from "./saving.mjs";

const LINKS = { email: mail, phone };
const copyBefore = ({ target }) => {
	copy(target.previousElementSibling);
	say("Copied.");
};

/** A text with its web addresses as links. */
export const linked = (text) =>
	text
		.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]'])/)
		.map((part, at) =>
			at % 2 ? el("a", { href: part, target: "_blank", rel: "noreferrer" }, part) : part,
		);

/** A value as a person reads it. */
export function shown(field, given, links = true) {
	if (isUnset(given)) return el("span.unset", "–");
	if (links && LINKS[field.kind]) {
		return [
			LINKS[field.kind](given),
			" ",
			button("Copy", copyBefore, "quiet", `Copy: ${field.label}`),
		];
	}
	if (field.kind === "choice") return badge(given);
	if (field.kind === "date") return showDay(`${given}T00:00`);
	if (field.kind === "user") return person(owner(given));
	if (typeof given === "boolean") return given ? "Yes" : "No";
	if (typeof given === "number")
		return showNumber(given, undefined, field.kind === "money" ? currency : undefined);
	if (field.kind === "list" && links) {
		const isFound = field.name !== "property_types"; // by the search of the list
		return el(
			"ul.tags",
			given.map((item) =>
				el("li", isFound ? link(value(item), listAddress({ q: item })) : value(item)),
			),
		);
	}
	const isJson = field.kind === "detail" && typeof given === "object";
	return Object.assign(value(isJson ? JSON.stringify(given) : inputText(given)), {
		className: field.kind ?? "",
	});
}

export const readHistory = (id, signal, before = "") =>
	call("GET", `v1/clients/${id}/history${before && `?before=${before}`}`, { signal });

/** The changes of a client by day, newest first: five, then more on demand. An earlier value can be
 *  put into the form, if the client is not deleted. */
export function historyOf(id, { versions, meta }, client = null, limit = 5) {
	const days = new Map();
	for (const version of versions.slice(0, limit)) {
		const day = showDay(version.at);
		days.set(day, [...(days.get(day) ?? []), version]);
	}
	const showMore = async () => {
		const page =
			limit < versions.length ? null : await readHistory(id, undefined, versions.at(-1).version);
		const all = page ? { ...page, versions: [...versions, ...page.versions] } : { versions, meta };
		redraw(() => section.replaceWith(historyOf(id, all, client, limit + 20)));
	};
	const more = el(
		"button.quiet",
		{ id: "older", type: "button", click: showMore },
		"Show older changes",
	);
	const section = el(
		"section.card",
		el("h2", "History"),
		el(
			"div.history",
			[...days].map(([day, several]) => [
				el("h3", day),
				el(
					"ol",
					several.map((version) => entry(version, client)),
				),
			]),
		),
		limit < versions.length || meta.hasMore ? more : null,
	);
	return section;
}

function entry({ action, changes, by, at }, client) {
	// else its changes say it
	const isNamed = ["created", "imported", "deleted", "restored"].includes(action);
	const [before, after] = ["from", "to"].map((side) =>
		flatten(Object.fromEntries(changes.map((change) => [change.field, change[side]]))),
	);
	return el(
		"li",
		isNamed ? label(action) : null,
		fieldsOf(before, after).map((field) => {
			const [from, to] = [before, after].map((values) => values[field.name] ?? null);
			return same(from, to)
				? null
				: el(
						"div",
						el("span.hint", `${field.label}: `),
						changed(field, from, to),
						client && useOf(field, from, to, client),
					);
		}),
		el("div.hint", by ? person(by) : nameOf(by), ` · ${showHour(at)}`),
	);
}

/** What was changed in a field; of notes with one put before them, only that one. */
export function changed(field, from, to) {
	const old = field.kind === "lines" && to?.endsWith(from ?? "") ? (from ?? "") : null;
	return old === null
		? [shown(field, from, false), " → ", shown(field, to, false)]
		: ["+ ", value(to.slice(0, to.length - old.length).trim())];
}

/** The button that puts an earlier value into the form, where it is marked. A change that only
 *  added a note has nothing to bring back. */
function useOf(field, from, to, client) {
	const values = flatten(client);
	if (!isEditable(field) || isUnset(from) || same(from, values[field.name])) return null;
	if (field.kind === "lines" && isAddition(from, to)) return null;
	const use = async () => {
		const lost = field.kind === "lines" ? laterNotes(values.notes, from, to) : 0;
		if (lost && !(await askToLose(lost))) return;
		const draft = readDraft(client.id) ?? { id: client.id, base: values, values };
		const notes = { ...draft.notes, [field.name]: { isMarked: true } };
		writeDraft({ ...draft, values: { ...draft.values, [field.name]: from }, notes });
		say("");
		location.assign(`#/client/${client.id}/edit`);
	};
	const text = el("p", shown(field, from, false)).textContent.slice(0, 60);
	return button("Use old value", use, "quiet", `Use old value: ${field.label}, ${text}`);
}

const askToLose = (lost) =>
	ask(
		"Use the old notes?",
		el("p", `${counted(lost, "later note")} would be replaced. You can edit them before saving.`),
		[yes("Use the old notes"), no()],
	);
