// Several clients: one change of many, one after the other, beside other work; and merging two who are
// one person. The other one may also be a new client that was not saved.

import { apiQuery, counted, explain, fullName, isolate, label, showNumber } from "./values.mjs";
import { flatten, nest } from "./record.mjs";
import { joinClients, jobsFor, KINDS, secondsFor, undoing } from "./changes.mjs";
import {
	ask,
	button,
	choicesOf,
	el,
	field,
	find,
	focusHeading,
	link,
	no,
	say,
	select,
	show,
	value,
	yes,
} from "./dom.mjs";
import {
	call,
	newNote,
	owner,
	pagesOf,
	people,
	ready,
	session,
	shortName,
	sleep,
} from "./session.mjs";
import { isNew, place, readDraft, remember } from "./place.mjs";
import { removeOther, shown } from "./versions.mjs";
import { drawForm, twinRow } from "./form.mjs";

// --- one change of many
const MAX = 1000;
let running = null; // how to stop what runs

/** All clients that the filters match. */
async function readAll(filters, signal) {
	const found = new Map();
	for await (const { clients } of pagesOf("clients", apiQuery(filters), signal)) {
		for (const client of clients) found.set(client.id, client);
		if (found.size >= MAX) break;
	}
	return [...found.values()];
}

/** Ask for a change and a value: {kind, value, clients}. */
function askForChange(filters, total) {
	const kinds = Object.keys(KINDS).filter(
		(kind) => kind !== "owner" || (session.me.role === "broker" && people().length > 1),
	);
	const tag = () =>
		el("input", { name: "value", required: true, maxlength: "50", autocomplete: "off" });
	const inputs = {
		add: tag,
		remove: tag,
		status: () => select({ name: "value" }, choicesOf("status")),
		owner: () => select({ name: "value" }, people()),
	};
	const given = el("div");
	const choose = ({ target }) =>
		given.replaceChildren(field(label(KINDS[target.value].field), inputs[target.value]()));
	const options = kinds.map((kind) => [kind, KINDS[kind].text]);
	const kind = select({ name: "kind", input: choose }, options);
	choose({ target: kind });
	return ask(
		`Change ${counted(total, "client")}`,
		[field("Change", kind), given],
		[yes("Continue"), no()],
		async (values, signal) => {
			const clients = await readAll(filters, signal);
			const jobs = jobsFor(values.kind, values.value.trim(), clients);
			if (jobs.length) return { ...values, clients, jobs };
			throw new Error("No client needs this change.");
		},
	);
}

/** Change all clients that the filters match, after a confirmation. */
export async function changeAll(filters, total) {
	if (running) return say("Another change is still running.");
	if (total > MAX) return say(`At most ${showNumber(MAX)} clients at once. Use the filters.`);
	const given = await askForChange(filters, total);
	if (!given) return null;
	const { kind, clients, jobs } = given;
	const text = given.value.trim();
	const names = { status: label, owner: (id) => shortName(owner(id)) };
	const others = clients.length - jobs.length;
	const minutes = Math.ceil(secondsFor(jobs.length, session.rate) / 60);
	const isMeant = await ask(
		`Change ${counted(jobs.length, "client")}?`,
		[
			el("p", `${KINDS[kind].text}: `, value(names[kind]?.(text) ?? text)),
			others ? el("p", `${counted(others, "client")} need no change.`) : null,
			minutes
				? el("p", `Because of the rate limit, this takes about ${counted(minutes, "minute")}.`)
				: null,
			el("p.hint", "You can go on working. Keep this tab open until it is done."),
		],
		[yes("Change them"), no()],
	);
	return isMeant && run(jobs, "changed");
}

/** Send jobs one after the other and say what became of them. */
async function run(jobs, done, canUndo = true) {
	const closing = new AbortController();
	const { signal } = closing;
	running = closing;
	const results = { done: [], changed: [], refused: [] };
	const tell = progressOf(jobs.length, done, () => closing.abort());
	const wait = (seconds) => {
		tell(results.done.length, seconds);
		return sleep(seconds, signal);
	};
	for (const job of jobs) {
		if (signal.aborted) break;
		try {
			const seconds = secondsFor(1, session.rate);
			if (seconds) await wait(seconds);
			tell(results.done.length);
			const saved = await send(job, wait); // Cancel waits for its answer, so that the report is right
			remember(saved);
			results.done.push({ ...job, client: saved });
		} catch (error) {
			if (signal.aborted) break;
			const kind = [404, 412].includes(error.status) ? "changed" : "refused";
			results[kind].push({ client: job.client, reason: explain(error) });
		}
	}
	running = null;
	place.refresh?.();
	place.countDue();
	summarize(
		results,
		jobs.length,
		done,
		canUndo && (() => run(undoing(results.done), "undone", false)),
	);
}

function send({ client, path, body }, wait) {
	const method = path.endsWith("/owner") ? "POST" : "PUT";
	return call(method, path, { wait, body, version: client.version });
}

/** Show this in the corner of the page. The focus stays in there if it was. */
function showWork(...nodes) {
	const work = find("#work");
	const isFocused = work.contains(document.activeElement);
	work.replaceChildren(...nodes);
	work.hidden = false;
	if (isFocused) work.querySelector("button").focus();
}

/** Show the progress; returns what updates it. */
function progressOf(total, done, cancel) {
	const bar = el("progress", { max: total, value: 0, "aria-label": "Progress" });
	const text = el("span");
	showWork(text, bar, button("Cancel", cancel));
	return (count, seconds = 0) => {
		bar.value = count;
		const pause = seconds ? ` Waiting ${counted(seconds, "second")} for the rate limit.` : "";
		text.textContent = `${showNumber(count)} of ${showNumber(total)} ${done}.${pause}`;
	};
}

/** Say how it ended, with links to the clients that are as they were. */
function summarize({ done: { length: count }, changed, refused }, total, done, undo) {
	const stopped = total - count - changed.length - refused.length;
	const texts = [
		`${showNumber(count)} ${done}`,
		changed.length && `${showNumber(changed.length)} had changed meanwhile`,
		refused.length && `${showNumber(refused.length)} could not be changed: ${refused[0].reason}`,
		stopped && `${showNumber(stopped)} not yet`,
	];
	const links = [...changed, ...refused].map(({ client }) =>
		el("li", link(value(fullName(client)), `#/client/${client.id}`)),
	);
	const close = () => {
		find("#work").hidden = true;
		focusHeading();
	};
	showWork(
		el("div", { role: "status" }, `${texts.filter(Boolean).join(", ")}.`),
		links.length ? el("ul", links) : "",
		undo && count ? button("Undo", undo) : "",
		button("Close", close),
	);
}

addEventListener("beforeunload", (event) => {
	if (running) event.preventDefault();
});

// --- two who are one
export async function mergeView({ id, other }, signal) {
	await ready(signal);
	const survivor = await call("GET", `v1/clients/${id}`, { signal });
	if (!other) return searchView(survivor, signal);
	const pending = readDraft(`merge:${other}`);
	if (pending) return secondStep(survivor, pending.other, signal);
	const kept = readDraft(id);
	if (kept?.other?.id === other) return drawForm(kept, signal);
	const unsaved = isNew(other) && readDraft(other);
	const theirs = unsaved
		? { ...nest(unsaved.values), id: other }
		: await call("GET", `v1/clients/${other}`, { signal });
	return drawForm(draftOf(survivor, theirs, kept), signal);
}

/** The draft of the merged client, with what was typed before. */
function draftOf(survivor, other, kept) {
	const name = fullName(other);
	const about = [name, other.email, other.phone].filter(Boolean).join(", ");
	const mine = kept ? nest(kept.values) : survivor;
	const text = `Merged with ${about}.`;
	const isNamed = isNew(other.id) || mine.notes?.includes(text); // the second time
	const entry = isNamed ? null : newNote(text);
	const { values, differing } = joinClients(mine, other, entry);
	const inWords = (field, given) => el("p", shown(field, given, false)).textContent;
	const notes = differing.map(({ field, choices }) => [
		field.name,
		{
			text: "They differ.",
			isInvalid: true,
			choices: choices.map((given) => [inWords(field, given), given]),
		},
	]);
	return {
		id: survivor.id,
		base: kept?.base ?? flatten(survivor),
		values,
		notes: Object.fromEntries(notes),
		isAsked: true,
		other: { id: other.id, version: other.version, name },
	};
}

const showMerge = (survivor, ...nodes) =>
	show(`Merge with ${isolate(fullName(survivor))}`, { back: `#/client/${survivor.id}` }, ...nodes);

/** Find the other client by the usual search. */
function searchView(survivor, signal) {
	const found = el("ul.keys.card");
	const search = async () => {
		const q = input.value;
		const query = new URLSearchParams({ q: q.trim(), limit: "10" });
		const { clients } = await call("GET", `v1/clients?${query}`, { signal });
		if (q !== input.value) return; // it is searched for later
		const others = clients.filter(({ id }) => id !== survivor.id);
		const rows = others.map((client) =>
			twinRow(client, [["Merge", `#/client/${survivor.id}/merge/${client.id}`]]),
		);
		found.replaceChildren(...(rows.length ? rows : [el("li.hint", "No other client found.")]));
	};
	let typing = 0;
	const type = () => {
		clearTimeout(typing);
		typing = setTimeout(search, 150);
	};
	const input = el("input", {
		type: "search",
		"aria-label": "Search",
		autocomplete: "off",
		value: survivor.last_name.slice(0, 200),
		input: type,
	});
	showMerge(
		survivor,
		el("p.hint", "Which other client is the same person? It is deleted once both are merged."),
		input,
		found,
	);
	input.select();
	return search();
}

/** The merged client is saved, the other one is still there. */
function secondStep(survivor, other, signal) {
	const text = `${isolate(fullName(survivor))} has the data of both. ${isolate(other.name)} is still there.`;
	showMerge(
		survivor,
		el("p", { role: "alert" }, value(text)),
		el(
			"div.actions",
			button(`Delete ${isolate(other.name)}`, () => removeOther(survivor, other, signal), "main"),
			link("Look at it first", `#/client/${other.id}`, "button"),
		),
	);
}
