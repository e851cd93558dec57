// What a person types into: the search and filters of the list, with what stands around its results, and
// the inputs of a form.

import { isolate, label, listAddress, PROPERTY } from "./values.mjs";
import { inputText } from "./record.mjs";
import {
	button,
	choicesOf,
	currency,
	el,
	find,
	link,
	nameView,
	select,
	show,
	value,
	words,
} from "./dom.mjs";
import { people } from "./session.mjs";
import { draftNotes, place, results } from "./place.mjs";

// --- the list
// Enter was pressed in the search: one client is opened once it is found, the first of several focused
let opensFirst = false;

/** What controls do: show the list that they describe, a moment after the last letter. */
export function listeners(path) {
	let typing = 0;
	const apply = (controls, isTyped) => {
		clearTimeout(typing);
		if (!controls.isConnected) return;
		place.list = listAddress(Object.fromEntries(new FormData(controls)), path);
		if (place.list !== (location.hash || "#/"))
			location[isTyped ? "replace" : "assign"](place.list);
		else if (opensFirst) openFirst();
	};
	const input = ({ target, currentTarget }) => {
		const isTyped = target.matches("input");
		opensFirst = false;
		clearTimeout(typing);
		typing = setTimeout(apply, isTyped ? 150 : 0, currentTarget, isTyped);
	};
	const submit = (event) => {
		event.preventDefault();
		opensFirst = document.activeElement.name === "q";
		apply(event.currentTarget, true);
	};
	return { input, submit };
}

const SORTS = [
	["created_at", "Newest first"],
	["updated_at", "Recently changed"],
	["unchanged", "Longest unchanged"],
	["name", "By name"],
];
const typed = (name, text, attributes) =>
	el("input", { name, placeholder: text, "aria-label": text, autocomplete: "off", ...attributes });

function controlsOf() {
	const filter = (name, unset, options) =>
		select({ name, "aria-label": label(name) }, [["", unset], ...options]);
	const choice = (name, unset) => filter(name, unset, choicesOf(name));
	const click = ({ target }) =>
		target.setAttribute("aria-expanded", target.ariaExpanded !== "true");
	const fold = { type: "button", "aria-expanded": "false", click };
	const search = { type: "search", maxlength: "200", "aria-label": "Search" };
	return el(
		"form.filters",
		{ name: "list", role: "search", ...listeners() },
		el(
			"div.bar",
			el("h1", { tabindex: "-1" }),
			typed("q", "Name, phone, e-mail, tag, note…", search),
			el("span.end.handout.no-phone"),
			link(["New", el("span.no-phone", " client")], "#/new", "button main"),
		),
		el(
			"div.bar",
			el("button.fold", fold),
			choice("client_type", "All types"),
			choice("status", "All statuses"),
			people().length > 1 ? filter("user_id", "All owners", people()) : null,
			select({ name: "sort", "aria-label": "Sort" }, SORTS),
			el("button.more", fold, "For a property"),
			el("span.chip"),
			el("span.pages.end", el("span.total.muted", { role: "status" }), el("span.pager")),
			el(
				"div.property",
				PROPERTY.map((name) => typed(name, label(name))),
			),
		),
		el("input", { type: "hidden", name: "tag", "aria-label": label("tag") }),
		el("input", { type: "hidden", name: "deleted" }),
		el("button", { hidden: true }), // which Enter presses
	);
}

function showFrame() {
	place.controls ??= controlsOf();
	show("Clients", { heading: place.controls }, draftNotes(), el("div.results"));
	place.list = null;
}

export function openFirst() {
	const { address, clients } = results;
	if (address !== place.list || !opensFirst) return;
	opensFirst = false;
	if (clients.length === 1) location.assign(`#/client/${clients[0].id}`);
	else document.querySelector("td.name a")?.focus();
}

/** The tag that limits a list, and a button that takes it away. */
function tagChip(input) {
	const clear = () => {
		const { form } = input;
		input.value = "";
		form.requestSubmit();
		form.q.focus();
	};
	return el(
		"span.tag",
		"Tag: ",
		value(input.value),
		button("✕", clear, "quiet", `Remove the filter ${isolate(input.value)}`),
	);
}

/** What limits a list, apart from what its title says: [[name, label, value]]. */
export const limitsOf = (query) =>
	Object.keys(query)
		.filter((name) => query[name] && !["sort", "deleted"].includes(name))
		.map((name) => [name, place.controls[name]])
		.filter(([, control]) => control?.value)
		.map(([name, { ariaLabel, value: given, selectedOptions }]) => [
			name,
			ariaLabel,
			selectedOptions?.[0].text ?? given,
		]);

/** Show in controls what a list is limited to. */
export function fillControls(controls, query, address) {
	if (place.list === address) return; // they set it, and may have changed again
	place.list = address;
	for (const input of controls.elements) {
		if (input.type === "radio") input.checked = input.value === query[input.name];
		else if (input.name) input.value = query[input.name];
	}
}

/** Show what a list is limited to in its filters, and around them. */
export function drawFrame(query) {
	const address = listAddress(query);
	if (!document.forms.list) showFrame();
	const { controls } = place;
	fillControls(controls, query, address);
	find(".chip").replaceChildren(query.tag ? tagChip(controls.tag) : "");
	find(".results").ariaBusy = results.address !== address; // until they are read
	const limits = limitsOf(query);
	const count = limits.filter(([name]) => name !== "q").length;
	const title = query.deleted ? "Deleted clients" : "Clients";
	const named = limits.map(([, ...words]) => words.join(": ")).join(", ");
	nameView([title, named].filter(Boolean).join(": "));
	find("h1").textContent = title;
	find(".fold").textContent = count ? `Filters (${count})` : "Filters";
	// these have an order of their own
	controls.sort.disabled = find(".more").disabled = Boolean(query.deleted);
	if (PROPERTY.some((name) => query[name])) find(".more").ariaExpanded = "true";
}

// --- forms
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
	detail: { beforeinput: (event) => event.preventDefault() }, // it is only chosen
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
	const [id, given] = [`field-${name.replace(/\s/g, "_")}`, initial[name] ?? null];
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
