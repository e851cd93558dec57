// The inputs of a form, for each kind of field.

import { flatten, inputText, readList } from "./record.mjs";
import { button, currency, el, select, words } from "./dom.mjs";
import { call, people } from "./session.mjs";

/** What the inputs of each kind of field have of their own. */
const INPUTS = {
	phone: { type: "tel" },
	email: { inputmode: "email" },
	flag: { type: "checkbox" },
	lines: { rows: "2" },
	number: { inputmode: "decimal" },
	money: { inputmode: "decimal", placeholder: "450k" },
	list: { placeholder: "Separated by commas" },
	date: { type: "date" },
};
function inputOf(field, given, attributes) {
	if (field.kind === "user") return select(attributes, people());
	if (field.kind === "choice")
		return select(attributes, [
			...(given === null ? [["", "Choose…"]] : []),
			...words(field.options),
		]);
	return el(field.kind === "lines" ? "textarea" : "input", {
		...attributes,
		...INPUTS[field.kind],
	});
}

/** The input for a field, with its label, and with the note that its draft has for it: {text,
 *  choices, isInvalid, isMarked}. */
export function control(field, initial, draft) {
	const { name, kind, required } = field;
	const [id, given] = [`field-${name}`, initial[name] ?? null];
	const note = draft.notes?.[name] ?? {};
	const input = inputOf(field, given, {
		id,
		name,
		dir: "auto",
		autocomplete: "off",
		list: kind === "list" ? `${id}-list` : null,
		"aria-describedby": `${id}-problem`,
		"aria-required": required ? "true" : null,
		"aria-invalid": note.isInvalid ? "true" : null,
	});
	const fill = (content) => {
		initial[name] = content; // so that its text is not a question again
		if (kind === "flag") input.checked = content === true;
		else input.value = inputText(content, name);
	};
	fill(given);
	const hint = required ? "required" : kind === "money" ? currency : null;
	return el(
		"div",
		{ class: `field ${kind} ${note.isMarked ? "marked" : ""}` },
		el("label", { for: id }, field.label, hint && el("span.hint", ` (${hint})`)),
		input,
		kind === "list" ? suggestions(input, name) : null,
		noteOf(input, note, fill, () => delete draft.notes[name]),
	);
}

/** The text of a note, and a button for each of its values: one must be chosen or typed, which
 *  settles the note. */
function noteOf(input, { text, choices = [] }, fill, settle) {
	const choose = (content) => () => {
		fill(content);
		input.dispatchEvent(new Event("input", { bubbles: true }));
		input.focus();
	};
	const note = el(
		"div.problem",
		{ id: `${input.id}-problem` },
		text,
		choices.map(([answer, content]) => [" ", button(answer, choose(content))]),
	);
	input.setCustomValidity(choices.length ? "Choose a value." : "");
	if (choices.length)
		input.addEventListener(
			"input",
			() => {
				input.setCustomValidity("");
				input.removeAttribute("aria-invalid");
				note.replaceChildren();
				settle();
			},
			{ once: true },
		);
	return note;
}

// the clients whose tags, locations and property types are suggested, once they are needed
let recent = null;
const readRecent = () =>
	(recent ??= call("GET", "v1/clients?limit=100").then(
		({ clients }) => clients.map(flatten),
		() => [],
	));

/** What the agency already uses, to continue what is in an input after its last comma. */
function suggestions(input, name) {
	const list = el("datalist", { id: `field-${name}-list` });
	const fill = async () => {
		const used = new Set((await readRecent()).flatMap((client) => client[name] ?? []));
		const begun = input.value.replace(/[^,]*$/, "");
		readList(begun, name).forEach((entry) => used.delete(entry));
		const texts = [...used].map((entry) => `${begun}${begun && " "}${inputText([entry], name)}`);
		list.replaceChildren(...texts.map((text) => el("option", { value: text })));
	};
	input.addEventListener("focus", fill);
	input.addEventListener("input", fill);
	return list;
}
