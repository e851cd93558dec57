// The keyboard: what single keys do.

import { valueOf } from "./values.mjs";
import { ask, dialog, el, find, focusHeading, no, undos } from "./dom.mjs";
import { place } from "./place.mjs";
import { chooseFocused, clearSelection } from "./selection.mjs";

/** Focus the next or previous row of the list. */
function moveBy(step) {
	const rows = [...document.querySelectorAll("td.name a")];
	const focused = document.activeElement.closest("tr")?.querySelector("td.name a");
	rows[Math.max(rows.indexOf(focused) + step, 0)]?.focus();
}
/** Show the next or previous client of the walk or, in the list, focus the row. */
function goOn(look, step) {
	const onward = find(`.walk .${look}`);
	if (onward) onward.click();
	else moveBy(step);
}
function leave(target) {
	if (!target.matches(OUTSIDE)) focusHeading();
	else if (find("#selection:not([hidden])")) clearSelection();
	else find(".back")?.click();
}
function search() {
	if (find("[name=q], #price")) return find("[name=q], #price").select();
	held.unshift("/"); // for the list
	return location.assign(place.list ?? "#/");
}
function edit() {
	if (document.activeElement.matches("td.name a"))
		location.assign(`${document.activeElement.hash}/edit`);
	else find(".heading a[href$='/edit']")?.click();
}
const OUTSIDE = ":not(input:not([type=checkbox], [type=radio]), select, textarea)";
/** Where arrows move from row to row. */
const ROWS = `${OUTSIDE}:not([type=radio])`;
/** The name and use of each key, what it does, and where, if not outside of fields. */
const KEYS = {
	"/": ["/", "Search", search],
	Enter: ["Enter", "In the search: open the client, or go to the list"],
	ArrowDown: ["↓", "Next client in the list", () => moveBy(1), `${ROWS}, [name=q]`],
	ArrowUp: ["↑", "Previous client in the list", () => moveBy(-1), ROWS],
	n: ["n", "New client", () => location.assign("#/new")],
	j: ["j", "Next client", () => goOn("next", 1)],
	k: ["k", "Previous client", () => goOn("previous", -1)],
	a: ["a", "Add a note", () => find("#note")?.focus()],
	e: ["e", "Edit the client", edit],
	"Ctrl + Enter": [
		"Ctrl + Enter",
		"Save",
		({ form }) => (form ?? find("form.client"))?.requestSubmit(),
		"*",
	],
	d: ["d", "Mark the follow-up as done", () => pressIn(".acts > button")],
	l: ["l", "Follow up later", () => pressIn(".acts summary")],
	x: ["x", "Select the client", () => chooseFocused(false)],
	X: ["Shift + x", "Select all clients up to this one", () => chooseFocused(true)],
	"Ctrl + z": [
		"Ctrl + Z",
		"Undo the last change",
		() => [...undos].at(-1)?.click(),
		`${OUTSIDE}, select`,
	],
	Escape: ["Esc", "Leave the field, the selection or the view", leave, "*"],
	".": [
		".",
		"Go to the message at the bottom, such as Undo",
		() => find("#dock > :not([hidden]) :is(a, button, summary)")?.focus(),
	],
	"?": ["?", "Show these shortcuts", () => showKeys()],
};
export const showKeys = () =>
	ask(
		"Keyboard shortcuts",
		el(
			"dl",
			Object.values(KEYS).map(([name, use]) => el("div", el("dt", el("kbd", name)), el("dd", use))),
		),
		[no("Close", "main")],
	);

/** Press a button of the row that has the focus, or open its menu. */
function pressIn(selector) {
	const control = document.activeElement.closest("tr")?.querySelector(selector);
	control?.click();
	control?.nextElementSibling?.querySelector("button").focus();
}

/** Do what a key does at an element, if it does anything. */
function press(key, target) {
	const [, , work, where = OUTSIDE] = valueOf(KEYS, key) ?? [];
	if (!work || !target.matches(where)) return false;
	work(target);
	return true;
}

/** What was pressed while a view loads. */
export const held = [];
const isLoading = (target) =>
	find("#main").inert || (target.matches(OUTSIDE) && (location.hash || "#/") !== place.address);

function pressed(event) {
	const { target } = event;
	const key = `${event.ctrlKey || event.metaKey ? "Ctrl + " : ""}${event.key}`;
	if (event.isComposing || event.altKey || dialog.open) return;
	if (!isLoading(target)) {
		held.length = 0;
		const isHeld = event.repeat && key.startsWith("Ctrl"); // each press undoes one change
		if (!isHeld && press(key, target)) event.preventDefault();
	} else if (key.length === 1 || valueOf(KEYS, key)?.[2]) {
		event.preventDefault();
		if (!event.repeat) held.push(key);
	}
}

/** Press the held keys in the view that is shown, or type them. */
function pressHeld() {
	while (held.length && !isLoading(document.activeElement)) {
		const key = held.shift();
		const isTyped = !press(key, document.activeElement) && key.length === 1;
		if (isTyped) document.execCommand("insertText", false, key);
	}
}

addEventListener("keydown", pressed);
addEventListener("shown", () => queueMicrotask(pressHeld)); // once it has the focus
