// The search and filters of the list, with what stands around its results.

import { isolate, label, listAddress } from "./values.mjs";
import { button, choicesOf, el, find, link, nameView, select, show, value } from "./dom.mjs";
import { people } from "./session.mjs";
import { draftNotes, place, results } from "./place.mjs";

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

function controlsOf() {
	const filter = (name, unset, options) =>
		select({ name, "aria-label": label(name) }, [["", unset], ...options]);
	const choice = (name, unset) => filter(name, unset, choicesOf(name));
	const click = ({ target }) =>
		target.setAttribute("aria-expanded", target.ariaExpanded !== "true");
	const placeholder = "Name, phone, e-mail, tag, note…";
	const search = { type: "search", maxlength: "200", autocomplete: "off", placeholder };
	return el(
		"form.filters",
		{ name: "list", role: "search", ...listeners() },
		el(
			"div.bar",
			el("h1", { tabindex: "-1" }),
			el("input", { name: "q", "aria-label": "Search", ...search }),
			el("span.end.handout.no-phone"),
			link(["New", el("span.no-phone", " client")], "#/new", "button main"),
		),
		el(
			"div.bar",
			el("button.fold", { type: "button", "aria-expanded": "false", click }),
			choice("client_type", "All types"),
			choice("status", "All statuses"),
			people().length > 1 ? filter("user_id", "All owners", people()) : null,
			select({ name: "sort", "aria-label": "Sort" }, SORTS),
			el("span.chip"),
			el("span.pages.end", el("span.total.muted", { role: "status" }), el("span.pager")),
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
	// they have an order of their own
	controls.sort.disabled = Boolean(query.deleted);
}
