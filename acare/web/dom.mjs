// Building the document: elements, messages and the dialog. Text is always inserted as text, never
// as HTML.

import { daysUntil, dueText, explain, isolate, label, readRoute, showDay } from "./values.mjs";
import { FIELDS, numbersIn } from "./record.mjs";

/** The settings that the server put into the page: {agency, currency}, each absent if not set. */
export const { agency, currency } = document.documentElement.dataset;

export const find = (selector) => document.querySelector(selector);

/** An element: ``el("p.hint", { id: "x" }, ...children)``, with or without the attributes. A
 *  function is an event listener, true an attribute without a value; null, undefined and false are
 *  left out. */
export function el(name, ...children) {
	const classes = name.split(".");
	const node = document.createElement(classes.shift());
	node.className = classes.join(" ");
	const { value: content, ...attributes } =
		children[0]?.constructor === Object ? children.shift() : {};
	for (const key in attributes) {
		const given = attributes[key];
		if (typeof given === "function") node.addEventListener(key, given);
		else if ((given ?? false) !== false) node.setAttribute(key, given === true ? "" : given);
	}
	node.append(...children.flat(Infinity).filter((child) => (child ?? false) !== false));
	if (content !== undefined) node.value = content; // of a select, once it has its options
	return node;
}
export const button = (text, click, look = "", name = null) =>
	el("button", { type: "button", class: look, "aria-label": name, click }, text);
export const link = (text, href, look) => el("a", { href, class: look }, text);
/** A value. Where its line is too long, it also breaks at an @, or at other places. */
export const value = (text, places = /(?=@)/, title = null) =>
	el(
		"bdi",
		{ title },
		text.split(places).flatMap((part, at) => (at ? [el("wbr"), part] : part)),
	);
export const select = (given, options) =>
	el(
		"select",
		given,
		options.map((option) => el("option", { value: option[0] }, option[1])),
	);
export const field = (text, input) => el("label.field", text, input);
export const check = (name, text, given) =>
	el("label.check", el("input", { type: "checkbox", name, ...given }), text);
export const words = (options) => options.map((word) => [word, label(word)]);
/** The options of a field's select. */
export const choicesOf = (name) => words(FIELDS.find((field) => field.name === name).options);
export const badge = (name) => el("span", { class: `badge ${name}` }, label(name));
export const mail = (text) =>
	text &&
	el(
		"a",
		{ href: `mailto:${encodeURIComponent(text).replace("%40", "@")}`, title: text },
		value(text),
	);
/** A text with a link for each telephone number. */
export const phone = (text) =>
	text &&
	el(
		"span.numbers",
		{ title: text },
		numbersIn(text).map((part) =>
			part.dial
				? el("a", { href: `tel:${part.dial.replaceAll("#", "%23")}` }, value(part.text))
				: value(part.text),
		),
	);
/** The date of a follow-up. */
export function dueDate(date) {
	const days = daysUntil(date);
	const look = days < 0 ? "late" : days ? "later" : "today";
	const title = `Follow-up: ${showDay(`${date}T00:00`)}`;
	return el("time", { class: `due ${look}`, datetime: date, title }, dueText(date));
}

/** A menu. Escape, a choice and losing the focus close it. */
export function menu(text, items, { look = "", name = null } = {}) {
	const close = () => {
		details.open = false;
	};
	const keydown = (event) => {
		const step = { ArrowDown: 1, ArrowUp: -1, Escape: 0 }[event.key];
		if (step === undefined || !details.open) return;
		event.stopPropagation();
		event.preventDefault();
		const choices = [summary, ...list.querySelectorAll("a, button")];
		if (step) choices[choices.indexOf(document.activeElement) + step]?.focus();
		else close();
		if (!step) summary.focus();
	};
	const focusout = ({ relatedTarget }) => details.contains(relatedTarget) || close();
	const summary = el("summary", { class: look, "aria-label": name }, text);
	const click = ({ target }) => target.closest("a, button") && close();
	const list = el(
		"ul",
		{ click },
		items.filter(Boolean).map((item) => el("li", item)),
	);
	const details = el("details.menu", { keydown, focusout }, summary, list);
	return details;
}

/** Copy the text of a node, also without https, which navigator.clipboard needs. */
export function copy(node) {
	getSelection().selectAllChildren(node);
	document.execCommand("copy");
}

/** Hand a file to the browser, which saves it. */
export function saveFile(content, type, download) {
	const href = URL.createObjectURL(new Blob([content], { type }));
	el("a", { href, download }).click();
	setTimeout(() => URL.revokeObjectURL(href), 60_000); // once it is saved
}

/** Show a message that screen readers announce too, optionally with a button. It disappears after
 *  some seconds, but not while the pointer or the focus is on it. */
export function say(text, action = null) {
	const said = find("#said");
	const wait = (time) => {
		say.timer = setTimeout(end, time * 1000);
	};
	const end = () => (said.matches(":hover, :focus-within") ? wait(1) : said.replaceChildren());
	const close = button("✕", null, "quiet end", "Close");
	said.replaceChildren(...(action ? [text, action, close] : [text].filter(Boolean)));
	said.onclick = ({ target }) => target.closest("a, button") && said.replaceChildren();
	clearTimeout(say.timer);
	wait(10);
}

/** The Undo buttons that were not pressed yet, the newest last. */
export const undos = new Set();
/** A button that takes a change back, as Ctrl+Z does. */
export function undoButton(undo, text = "Undo") {
	const click = async () => {
		if (!undos.delete(node)) return;
		try {
			await undo();
		} catch (error) {
			if (!(error.status < 500)) undos.add(node); // it can be tried again
			throw error;
		}
	};
	find(".last-undo")?.remove(); // of the change before
	const node = button([text, el("kbd.no-phone.last-undo", "Ctrl + Z")], click);
	undos.add(node);
	return node;
}
/** How high the dock is, for what would be behind it. */
new ResizeObserver(([{ target }]) =>
	document.documentElement.style.setProperty("--dock", `${target.offsetHeight}px`),
).observe(find("#dock"));

/** Name what is shown in the title of the window, and mark it in the navigation. */
export function nameView(title) {
	document.title = [...new Set([title, "Clients", agency])]
		.filter(Boolean)
		.map(isolate)
		.join(" · ");
	const { hash } = location;
	const current = hash.match(/^#\/(due|match|people)/)?.[0] ?? "#/";
	document.querySelectorAll("#top nav a").forEach((tab) => {
		tab.ariaCurrent = tab.hash.split("?")[0] === current ? "true" : null;
	});
}

/** Put a view into the page, with its title, and move the focus to it for screen readers. ``back``
 *  is the address that its link back has, ``beside`` stands at its side. */
export function show(title, { actions, back = null, beside, badges, heading }, ...nodes) {
	nameView(title);
	const names = { client: "Back to the client", due: "Due", match: "Match" };
	const backText = `← ${names[readRoute(back ?? "").view] ?? "Clients"}`;
	find("#main").replaceWith(
		el(
			"main",
			{ id: "main" },
			back && el("div.way", link(backText, back, "back"), beside),
			heading ??
				el(
					"div.heading",
					el("h1", { tabindex: "-1" }, value(title)),
					badges,
					el("div.actions", actions),
				),
			nodes,
		),
	);
	focusHeading();
	scrollTo(0, 0);
	dispatchEvent(new Event("shown"));
}

/** Move the focus to the heading, where single keys work. */
export const focusHeading = () => find("h1").focus({ preventScroll: true });

/** Draw the view that is shown again, with the same scroll position, and the focus where it was. */
export function redraw(draw) {
	const { id } = document.activeElement;
	const place = scrollY;
	draw();
	if (id) document.getElementById(id)?.focus({ preventScroll: true });
	scrollTo(0, place);
}

export const dialog = el("dialog", { id: "dialog", "aria-labelledby": "dialog-title" });
/** The buttons of a question: one goes on, the other closes it. */
export const yes = (text, look = "main") => el("button", { class: look }, value(text));
export const no = (text = "Cancel", look = "") => button(value(text), () => dialog.close(), look);

/** Ask in the dialog. ``work`` gets the values of the inputs, and a signal that closing the dialog
 *  aborts; its error is shown, and the question stays. Resolves with what it returns, with null if
 *  the dialog is closed. */
export const ask = (title, content, buttons, work = (values) => values) =>
	new Promise((resolve) => {
		const problem = el("p.problem", { role: "alert" });
		const closing = new AbortController();
		const submit = async (event) => {
			event.preventDefault();
			form.inert = true; // nothing is sent twice
			try {
				resolve(await work(Object.fromEntries(new FormData(form)), closing.signal));
				dialog.close();
			} catch (error) {
				problem.textContent = explain(error);
			}
			form.inert = false;
		};
		const form = el("form", { submit }, content, problem, el("div.actions", buttons));
		say("");
		dialog.className = "";
		dialog.replaceChildren(el("h2", { id: "dialog-title" }, value(title)), form);
		if (!dialog.open) dialog.showModal();
		dialog.onclose = () => {
			if (dialog.open) return; // another question followed at once
			dialog.replaceChildren(); // it may contain a key
			closing.abort();
			resolve(null);
		};
	});
