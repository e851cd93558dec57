// The buyers whom a property could suit, best fit first.

import {
	apiQuery,
	counted,
	label,
	listAddress,
	sentence,
	shortAmount,
	shortBudget,
	showNumber,
} from "./values.mjs";
import { phrase } from "./record.mjs";
import { el, find, link, redraw, show, value } from "./dom.mjs";
import { call, pagesOf, ready, session } from "./session.mjs";
import { place, results } from "./place.mjs";
import { fillControls, listeners } from "./inputs.mjs";
import { selectColumn, selectFrom } from "./selection.mjs";
import { clientTable, NAME, OWNER, PHONE, STATUS } from "./table.mjs";
import { download, findPlace, showResults } from "./list.mjs";
import { choice, labelled, readingOf, sayAt } from "./fields.mjs";
import { fitOf, givenOf, isApproved, isPlace, ranked, wantsOf } from "./fit.mjs";

/** The matches that are read and ranked. */
const MAX = 500;
const CRITERIA = [
	["price", "Price", { placeholder: "450k", inputmode: "decimal" }],
	["location", "Place", { list: "places", maxlength: "200" }],
	["property_type", "Type", { list: "types" }],
	["bedrooms", "Bedrooms", { inputmode: "decimal" }],
	["bathrooms", "Bathrooms", { inputmode: "decimal" }],
	["square_feet", "Size", { placeholder: "sq ft, or 120 m²" }],
];
const PATH = "#/match";
/** What the API gets: always active buyers, unless others are wanted. */
const sent = (query) => apiQuery({ ...query, status: query.status ? "" : "active" });

// --- the columns
function columnsOf(query) {
	const count = givenOf(query).length;
	return [
		selectColumn(),
		["fit no-phone", (buyer) => `${fitOf(buyer, query)} of ${count}`],
		NAME,
		["budget side", (buyer) => shortBudget(buyer) || open("any budget")],
		query.status && STATUS,
		["places", (buyer) => placesOf(buyer, query.location)],
		["wants full", wants],
		["approved wide", (buyer) => approval(buyer, query), label("pre_approved")],
		session.users.size > 1 && ["owner wider", OWNER[1]],
		PHONE,
	].filter(Boolean);
}
const open = (text) => el("i.muted", text);

/** The first places of a buyer, those of the property first, and how many others there are. */
function placesOf({ preferred_locations: places }, location) {
	if (!places.length) return open("any place");
	const isMatch = (text) => location && isPlace(text, location);
	const all = [...places.filter(isMatch), ...places.filter((text) => !isMatch(text))];
	const first = all
		.slice(0, 2)
		.map((text, at) => [at ? ", " : "", el(isMatch(text) ? "b" : "span", value(text))]);
	const others = all.length - first.length;
	return el("span", { title: all.join(", ") }, first, others ? ` +${others}` : "");
}

function wants(buyer) {
	const parts = wantsOf(buyer);
	return el(
		"span",
		{ title: parts.map(({ text }) => text).join(" · ") },
		parts.map(({ text, isOpen }, at) => [at ? " · " : "", isOpen ? open(text) : value(text)]),
	);
}

function approval(buyer, query) {
	const { pre_approval_amount: amount } = buyer;
	const mark = isApproved(buyer, query) ? "✓ " : "";
	return amount === null ? mark : mark + shortAmount(amount);
}

// --- the property
const KINDS = { price: "money", square_feet: "size" };
const sayReading = (input) =>
	input.name !== "location" && sayAt(input, readingOf(KINDS[input.name], input.value));

const options = (texts) => [...new Set(texts)].map((text) => el("option", text));

/** Suggest places that begin like what is typed, and say how many clients want the place that is typed. */
async function suggestPlaces(input, signal) {
	const { value: text } = input;
	const begin = ` ${phrase(text)}`;
	if (begin.length < 3) return sayAt(input, "");
	const path = `v1/clients?${apiQuery({ q: text })}&limit=100`;
	const { clients, meta } = await call("GET", path, { signal });
	const places = clients.flatMap((client) => client.preferred_locations);
	const isBegun = (one) => ` ${phrase(one)}`.includes(begin);
	find("#places").replaceChildren(...options(places.filter(isBegun)));
	const isWanted = ({ preferred_locations: wanted }) => wanted.some((one) => isPlace(one, text));
	const count = clients.filter(isWanted).length;
	const about = meta.hasMore ? "at least " : "";
	return sayAt(input, count ? `wanted by ${about}${counted(count, "client")}` : "");
}

/** Suggest the types that the newest buyers want. */
async function suggestTypes() {
	const list = find("#types");
	const { clients } = await call("GET", "v1/clients?client_type=buyer&limit=100");
	const types = clients.flatMap((client) => client.property_preferences.property_types ?? []);
	list.replaceChildren(...options(types));
}

function controlsOf() {
	const statuses = [
		["", "Active"],
		["any", "Any status"],
	];
	const csv = { type: "button", click: () => download(sent(results.query)) };
	const input = (name, given) => el("input", { id: name, name, autocomplete: "off", ...given });
	return el(
		"form.match",
		{ name: "match", ...listeners(PATH) },
		el(
			"div.bar",
			el("h1", { tabindex: "-1" }, "Match a property"),
			el(
				"span.hint.no-phone",
				"Buyers whom it could suit. Anything that a buyer left open suits every property.",
			),
		),
		el(
			"div.card.grid",
			{ input: ({ target }) => sayReading(target) },
			CRITERIA.map(([name, text, given]) => labelled(text, input(name, given))),
		),
		el("datalist", { id: "places" }),
		el("datalist", { id: "types" }),
		el(
			"div.bar.found",
			el("strong.total", { role: "status" }),
			el("span.hint.no-phone"),
			el("span.end", choice("status", statuses, { "aria-label": "Which buyers" })),
			el("button.no-phone", csv, "Download CSV"),
			link("Clear", PATH, "button no-phone"),
		),
		el("button", { hidden: true }), // which Enter presses
	);
}

// --- the view
/** The first matches, best fit first, and how many there are. */
async function readMatches(query, signal) {
	const found = new Map();
	const meta = { page: 1, limit: MAX, total: 0, all: 0 };
	const pages = pagesOf("clients", `${sent(query)}&sort=updated_at`, signal);
	try {
		if (givenOf(query).length)
			for await (const page of pages) {
				for (const client of page.clients) found.set(client.id, client);
				meta.all = page.meta.total;
				if (found.size >= MAX) break;
			}
	} catch (error) {
		if (error.status !== 400) throw error;
		meta.problems = error.problems;
	}
	meta.total = found.size;
	return { clients: ranked([...found.values()], query), meta };
}

/** In place of the table. */
function nothing(query) {
	const isGiven = givenOf(query).length > 0;
	const hint = isGiven
		? "Leave out a criterion to find more."
		: "Enter what you know, for example the price and the place, to list buyers whom it could suit.";
	const wider = isGiven && !query.status && listAddress({ ...query, status: "any" }, PATH);
	return el(
		"div.empty.card",
		el("h2", isGiven ? "No buyers found" : "Which property?"),
		el("p.muted", hint),
		wider && link("Any status", wider, "button"),
	);
}

/** Draw the last results. */
function draw({ elements }, query) {
	const { clients, meta } = results;
	const { total, all, problems = [] } = meta;
	const noun = counted(all, query.status ? "buyer" : "active buyer");
	find(".found").hidden = !givenOf(query).length || problems.length > 0;
	find(".total").textContent = total < all ? `${showNumber(total)} of ${noun}` : noun;
	find(".found .hint").textContent =
		total < all
			? "Only the most recently changed, best fit first. Add a criterion to see all."
			: "Best fit first, then pre-approved for the price";
	for (const problem of problems) sayAt(elements[problem.field], sentence(problem), true);
	const table = () => clientTable("Matching buyers", columnsOf(query), [[clients]]);
	const content = clients.length ? table() : problems.length ? "" : nothing(query);
	redraw(() => find(".results").replaceChildren(content));
	selectFrom(clients, total, () => clients);
	findPlace();
}

export async function matchView({ query }, signal) {
	await ready(signal);
	const address = listAddress(query, PATH);
	if (location.hash !== address) return location.replace(address); // an older form, such as #/?price=
	if (!document.forms.match) {
		place.list = null; // the controls are empty
		show("Match a property", { heading: controlsOf() }, el("div.results"));
		suggestTypes();
		if (!givenOf(query).length) find("#price").focus();
	}
	const form = document.forms.match;
	fillControls(form, query, address);
	CRITERIA.forEach(([name]) => sayReading(form.elements[name]));
	const read = async () => {
		const suggested = suggestPlaces(form.elements.location, signal);
		return (await Promise.all([readMatches(query, signal), suggested]))[0];
	};
	return showResults(address, query, read, () => draw(form, query));
}
