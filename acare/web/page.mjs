// The page: a client of the public API. This module knows which view an address shows.

import { dateOf, explain, label, listAddress, readRoute, showNumber } from "./values.mjs";
import { agency, button, dialog, el, find, link, menu, say, show } from "./dom.mjs";
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
	whose,
	WHO,
} from "./session.mjs";
import { beginWalk, offerDraft, place, results } from "./place.mjs";
import { listView } from "./list.mjs";
import { held, showKeys } from "./keys.mjs";

const VIEWS = {
	list: listView,
	due: later("./due.mjs", "dueView"),
	match: later("./match.mjs", "matchView"),
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
		const isThere = find("#main") !== before || document.forms[route.view];
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
	const isList = ["due", "list", "match"].includes(current?.route.view);
	if (isList) results.scroll = scrollY;
	if (isList && view === "client") beginWalk();
	offerDraft(place.address);
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
				el("a", { id: "due", href: "#/due" }, "Due", el("span", { id: "due-count" })),
				link("Match", "#/match"),
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

/** Show how many follow-ups are overdue, and of today, of those that *Due* shows. */
async function countDue() {
	const days = [dateOf(new Date(Date.now() - 86_400_000)), dateOf()];
	const mine = whose();
	find("#due").href = listAddress({ user_id: mine }, "#/due");
	const sent = days.map((due) => send("GET", `v1/clients?due=${due}&limit=1&user_id=${mine}`));
	const answers = await Promise.all(sent);
	if (!answers.every(({ ok }) => ok)) return;
	const mark = (count, look, unseen) =>
		count ? el(`span.due.${look}`, showNumber(count), el("span.unseen", ` ${unseen}`)) : "";
	const [late, all] = answers.map(({ content }) => content.data.meta.total);
	find("#due-count").replaceChildren(
		mark(late, "late", "overdue"),
		" ",
		mark(all - late, "today", "today"),
	);
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
addEventListener("storage", ({ key }) => {
	// a sign-in or sign-out in another tab
	if (key === stored("key") && !sessionStorage.getItem(stored("key"))) location.reload();
});
addEventListener("unhandledrejection", (event) => {
	// in the work of a button
	event.preventDefault();
	if (event.reason.name !== "AbortError") say(explain(event.reason));
});
render().then(() => load("./client.mjs").catch(() => null)); // for the first client
