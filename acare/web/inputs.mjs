// The inputs of a form, for each kind of field.

import { inputText } from "./record.mjs";
import { button, currency, el, select, words } from "./dom.mjs";
import { people } from "./session.mjs";

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
