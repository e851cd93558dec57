// The inputs of forms, with their labels, hints and problems.

import { inMetres, showNumber } from "./values.mjs";
import { inputText, NUMBERS } from "./record.mjs";
import { button, currency, el, select, words } from "./dom.mjs";
import { people } from "./session.mjs";

/** An input below its label. The line below it is for ``sayAt``. */
export function labelled(text, input, look = "") {
	const id = `${input.id}-hint`;
	input.setAttribute("aria-describedby", id);
	const isGroup = input.matches(".choice");
	const label = { id: `${input.id}-label`, for: isGroup ? null : input.id };
	return el(
		"div",
		{ class: `field ${look}` },
		el(isGroup ? "span.label" : "label", label, text),
		input,
		el("div.hint", { id }),
	);
}

/** Say a hint or a problem below an input. */
export function sayAt(input, text, isProblem = false) {
	const hint = input.nextElementSibling;
	hint.textContent = text;
	hint.className = isProblem ? "problem" : "hint";
	input.ariaInvalid = isProblem ? "true" : null;
}

/** A choice of a few: [[value, text]]. */
export const choice = (name, options, attributes) =>
	el(
		"div.choice",
		{ role: "radiogroup", ...attributes },
		options.map(([value, text]) => el("label", el("input", { type: "radio", name, value }), text)),
	);

/** How the text of an amount or a size is read, if the text does not say it. */
export function readingOf(kind, text) {
	const number = NUMBERS[kind]?.(text);
	if (!Number.isFinite(number)) return "";
	const inFeet = /m/i.test(text) && `${showNumber(number)} sq ft`;
	const read =
		kind === "size"
			? inFeet || inMetres(number)
			: showNumber(number, undefined, kind === "money" ? currency : undefined);
	return read === text ? "" : read;
}

// --- the fields of a client
/** What the inputs of each kind of field have of their own. */
const INPUTS = {
	phone: { type: "tel" },
	email: { inputmode: "email" },
	flag: { type: "checkbox" },
	number: { inputmode: "decimal" },
	money: { inputmode: "decimal", placeholder: "450k" },
	date: { type: "date" },
	detail: { beforeinput: (event) => event.preventDefault() }, // it is only chosen
};
const HINTS = { list: "Separated by commas", size: "In sq ft, or m² with its unit" };
function inputOf({ name, kind, options }, attributes) {
	if (kind === "user") return select(attributes, people());
	if (kind === "choice")
		return choice(name, words(options), {
			...attributes,
			"aria-labelledby": `${attributes.id}-label`,
		});
	return el(kind === "lines" ? "textarea" : "input", { ...attributes, ...INPUTS[kind] });
}

export const idOf = ({ name }) => `field-${name.replace(/\s/g, "_")}`;
/** The input for a field, with its label, and with the note that its draft has for it: {text,
 *  choices, isInvalid, isMarked}. */
export function control(field, initial, draft) {
	const { name, kind, required } = field;
	const note = draft.notes?.[name] ?? {};
	const isGroup = kind === "choice";
	const input = inputOf(field, {
		id: idOf(field),
		name: isGroup ? null : name,
		dir: "auto",
		autocomplete: "off",
		"aria-required": required && !isGroup ? "true" : null,
	});
	const fill = (content) => {
		initial[name] = content; // so that its text is not read again
		if (kind === "flag") input.checked = content === true;
		else if (isGroup) input.querySelector(`[value=${content}]`).checked = true;
		else input.value = inputText(content, name);
	};
	fill(initial[name] ?? null);
	const label = [field.label, required && !isGroup && el("span.hint", " (required)")];
	const node = labelled(label, input, `${isGroup ? "" : kind} ${note.isMarked ? "marked" : ""}`);
	const hint = () => sayAt(input, readingOf(kind, input.value ?? "") || (HINTS[kind] ?? ""));
	node.addEventListener("input", () => {
		delete draft.notes?.[name];
		hint();
	});
	if (note.text) showNote(input, field, note, fill);
	else hint();
	return node;
}

/** Show a note, and a button for each of its values: one must be chosen or typed. */
function showNote(input, { label }, { text, choices = [], isInvalid }, fill) {
	const first = input.querySelector("input") ?? input; // of a choice
	const choose = (content) => () => {
		fill(content);
		first.dispatchEvent(new Event("input", { bubbles: true }));
		first.focus();
	};
	const answers = choices.map(([answer, content]) => button(answer, choose(content)));
	sayAt(input, text.replace(`${label} `, ""), isInvalid);
	input.nextElementSibling.append(...answers);
	if (!answers.length) return;
	first.setCustomValidity("Choose a value.");
	input.addEventListener("input", () => first.setCustomValidity(""), { once: true });
}
