// One change of many clients, one after the other, beside other work.

import { apiQuery, counted, explain, fullName, label, showNumber } from "./values.mjs";
import { jobsFor, KINDS, secondsFor, undoing } from "./changes.mjs";
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
	value,
	yes,
} from "./dom.mjs";
import { call, owner, pagesOf, people, session, shortName, sleep } from "./session.mjs";
import { place, remember } from "./place.mjs";

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
