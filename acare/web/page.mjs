// The page: a client of the public API. This module knows which view an address shows, and what
// single keys do.

import { dateOf, explain, label, readRoute, showNumber, valueOf } from "./values.mjs";
import {
	agency,
	ask,
	button,
	dialog,
	DUE,
	el,
	find,
	focusHeading,
	link,
	menu,
	no,
	say,
	show,
	undoButton,
} from "./dom.mjs";
import {
	begun,
	call,
	isLink,
	later,
	load,
	person,
	send,
	session,
	shortName,
	stored,
	WHO,
} from "./session.mjs";
import { beginWalk, place, results } from "./place.mjs";
import { chooseFocused, clearSelection } from "./selection.mjs";
import { listView } from "./list.mjs";

const VIEWS = {
	list: listView,
	client: later("./client.mjs", "clientView"),
	edit: later("./form.mjs", "formView"),
	merge: later("./merge.mjs", "mergeView"),
	new: later("./form.mjs", "formView"),
	people: later("./people.mjs", "peopleView"),
};
const goneView = later("./client.mjs", "goneView");
const followLink = later("./signin.mjs", "followLink");
const signOut = later("./signin.mjs", "signOut");
let current = null; // the view that is shown or loaded: its route, and how to abort it
// what failed fails again, and is shown
const signedIn = isLink() && followLink(location.hash).catch(() => null);
if (signedIn) history.replaceState(null, "", `${location.pathname}#/`);

async function render() {
	current?.abort();
	const route = readRoute(location.hash);
	noteAddress(route);
	current = Object.assign(new AbortController(), { route });
	const { signal } = current;
	place.refresh = null;
	if (session.me) dialog.close(); // a link in it may have been followed
	try {
		await signedIn;
		signal.throwIfAborted();
		session.ready ??= start().catch((error) => {
			session.ready = null;
			throw error;
		});
		const before = find("#main");
		const drawing = VIEWS[route.view](route, signal);
		// what is typed is for the view that comes, unless it is there at once
		const isThere = find("#main") !== before || (route.view === "list" && find("form.filters"));
		before.inert = !isThere;
		begun.clear(); // what it has not taken is soon out of date
		await drawing;
	} catch (error) {
		showFailure(error);
	}
}

/** Note the address before this one, and the place in the list that is left. */
function noteAddress({ id, view }) {
	const address = location.hash || "#/";
	if (address === place.address) return;
	if (current?.route.view === "list") results.scroll = scrollY;
	if (current?.route.view === "list" && view === "client") beginWalk();
	if (id) results.id = id;
	Object.assign(place, { previous: place.address, address });
}

function showFailure(error) {
	if (error.name === "AbortError") return null; // the view was left
	held.length = 0;
	const {
		route: { view, id },
		signal,
	} = current;
	say("");
	if (error.status === 404)
		return view === "client" ? goneView(id, signal) : location.replace(`#/client/${id}`);
	return show(
		"Something went wrong",
		{ back: place.list ?? "#/" },
		el("p", { role: "alert" }, explain(error)),
		el("div.actions", button("Try again", render, "main")),
	);
}

/** Sign in, load what all views need, and show who is signed in. */
async function start() {
	const [me, { users }] = await Promise.all(WHO.map((path) => call("GET", path)));
	Object.assign(session, { me, users: new Map(users.map((user) => [user.id, user])) });
	document.body.prepend(
		el(
			"header",
			{ id: "top" },
			el(
				"nav",
				{ "aria-label": "Main", click: toTop },
				agency && el("strong.agency.no-phone", agency),
				link("Clients", "#/"),
				el("a", { href: DUE }, "Due", el("span", { id: "due-count" })),
				link(peopleName(), "#/people", "no-phone"),
			),
			el("div", { id: "who" }, personMenu()),
		),
	);
	countDue();
}

const peopleName = () => (session.me.role === "broker" ? "People" : "My keys");
function personMenu() {
	const { me } = session;
	const initials = shortName(me.email)
		.split(/[^\p{L}]+/u)
		.map((word) => word.charAt(0).toUpperCase());
	const name = [
		el("span.no-phone", person(me.email)),
		el("span.phone-only", { "aria-label": me.email }, initials.slice(0, 2)),
	];
	const items = [
		el("span.hint", label(me.role)),
		link(peopleName(), "#/people", "phone-only"),
		button(["Keyboard shortcuts", el("kbd", "?")], showKeys),
		link("Deleted clients", "#/?deleted=true"),
		session.key && button("Sign out", signOut),
	];
	return menu(name, items, { look: "quiet" });
}

/** A link of the header leads to the top of a list; going back restores its place. */
function toTop({ target }) {
	const to = target.closest("a");
	if (!to) return;
	Object.assign(results, { address: null, id: null });
	if (to.hash === (location.hash || "#/")) scrollTo(0, 0);
}

/** Show how many follow-ups are overdue, and of today. */
async function countDue() {
	const days = [dateOf(new Date(Date.now() - 86_400_000)), dateOf()];
	const totals = [];
	for (const due of days) {
		const { ok, content } = await send("GET", `v1/clients?due=${due}&limit=1`);
		if (!ok) return;
		totals.push(content.data.meta.total);
	}
	const mark = (count, look, unseen) =>
		count ? el(`span.due.${look}`, showNumber(count), el("span.unseen", ` ${unseen}`)) : "";
	const [late, all] = totals;
	find("#due-count").replaceChildren(
		mark(late, "late", "overdue"),
		" ",
		mark(all - late, "today", "today"),
	);
}

// --- the keyboard
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
	if (target.matches(FIELD)) focusHeading();
	else if (find("#selection:not([hidden])")) clearSelection();
	else find(".back")?.click();
}
function search() {
	if (find("[name=q]")) return find("[name=q]").select();
	held.unshift("/"); // for the list
	return location.assign(place.list ?? "#/");
}
function edit() {
	if (document.activeElement.matches("td.name a"))
		location.assign(`${document.activeElement.hash}/edit`);
	else find(".heading a[href$='/edit']")?.click();
}
const OUTSIDE = ":not(input:not([type=checkbox]), select, textarea)";
/** A field that Escape leaves if it is empty. */
const FIELD = ":is(#note, [type=search]):placeholder-shown";
/** The name and use of each key, what it does, and where, if not outside of fields. */
const KEYS = {
	"/": ["/", "Search", search],
	Enter: ["Enter", "In the search: open the client, or go to the list"],
	ArrowDown: ["↓", "Next client in the list", () => moveBy(1), `${OUTSIDE}, [name=q]`],
	ArrowUp: ["↑", "Previous client in the list", () => moveBy(-1)],
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
	x: ["x", "Select the client", () => chooseFocused(false)],
	X: ["Shift + x", "Select all up to the client", () => chooseFocused(true)],
	"Ctrl + z": ["Ctrl + Z", "Undo the last change", () => undoButton.last?.()],
	Escape: ["Esc", "Leave an empty field, the selection, the view", leave, `${OUTSIDE}, ${FIELD}`],
	".": [
		".",
		"Go to the message below, such as Undo",
		() => find("#dock > :not([hidden]) :is(a, button, summary)")?.focus(),
	],
	"?": ["?", "Show these shortcuts", () => showKeys()],
};
const showKeys = () =>
	ask(
		"Keyboard shortcuts",
		el(
			"dl",
			Object.values(KEYS).map(([name, use]) => el("div", el("dt", el("kbd", name)), el("dd", use))),
		),
		[no("Close", "main")],
	);

/** Do what a key does at an element, if it does anything. */
function press(key, target) {
	const [, , work, where = OUTSIDE] = valueOf(KEYS, key) ?? [];
	if (!work || !target.matches(where)) return false;
	work(target);
	return true;
}

const held = []; // what was pressed while a view loads, for that view
const isLoading = (target) =>
	find("#main").inert || (target.matches(OUTSIDE) && (location.hash || "#/") !== place.address);

function pressed(event) {
	const { target } = event;
	const key = `${event.ctrlKey || event.metaKey ? "Ctrl + " : ""}${event.key}`;
	if (event.isComposing || event.altKey || dialog.open) return;
	if (!isLoading(target)) {
		held.length = 0;
		if (press(key, target)) event.preventDefault();
	} else if (key.length === 1 || valueOf(KEYS, key)?.[2]) {
		event.preventDefault();
		if (!event.repeat) held.push(key);
	}
}

/** Press the held keys in the view that is shown, or type them. */
function pressHeld() {
	while (held.length && !isLoading(document.activeElement)) {
		const key = held.shift();
		if (!press(key, document.activeElement)) document.execCommand("insertText", false, key);
	}
}

document.body.append(dialog);
if (CSS.supports("selector(:has(a))") && Array.prototype.toReversed) find("#old").remove();
Object.assign(place, { render, countDue });
history.scrollRestoration = "manual"; // the list does it, after its rows are drawn
addEventListener("hashchange", () => (isLink() ? location.reload() : render()));
addEventListener("focus", () => {
	if (!dialog.open) place.refresh?.().catch(showFailure);
	if (session.me) countDue();
});
addEventListener("keydown", pressed);
addEventListener("storage", ({ key }) => {
	// a sign-in or sign-out in another tab
	if (key === stored("key") && !sessionStorage.getItem(stored("key"))) location.reload();
});
addEventListener("shown", () => queueMicrotask(pressHeld)); // once it has the focus
addEventListener("unhandledrejection", (event) => {
	// in the work of a button
	event.preventDefault();
	if (event.reason.name !== "AbortError") say(explain(event.reason));
});
render().then(() => load("./client.mjs").catch(() => null)); // for the first client
