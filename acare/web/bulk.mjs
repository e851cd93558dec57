// One change of the selected clients, sent one after the other, beside other work; and the dock, which
// offers it, shows its progress, and says what became of it.

import {
	counted,
	dateOf,
	explain,
	fullName,
	isolate,
	label,
	plainTags,
	same,
	showDay,
	showNumber,
} from "./values.mjs";
import { jobsFor, KINDS, paceText, secondsFor, undoing } from "./changes.mjs";
import {
	ask,
	button,
	choicesOf,
	el,
	field,
	find,
	focusHeading,
	link,
	menu,
	no,
	say,
	select,
	undoButton,
	undos,
	value,
	yes,
} from "./dom.mjs";
import {
	call,
	keepOpen,
	nameOf,
	owner,
	people,
	session,
	shortName,
	sleep,
	waitText,
} from "./session.mjs";
import { place, results, selected } from "./place.mjs";
import { clearSelection, drawSelection, MAX, selectAllButton, table } from "./selection.mjs";

// --- the selection in the dock
const status = el("strong", { role: "status" });
const others = el("span.others");

/** Show how many clients are selected and, of these, which the table does not show. */
export function drawDock() {
	const dock = find("#selection");
	dock.hidden = !table || !selected.size || Boolean(find("#change progress"));
	if (dock.hidden) return;
	const isShown = ({ id }) => table.clients.some((client) => client.id === id);
	const hidden = [...selected.values()].filter((client) => !isShown(client));
	status.textContent = `${showNumber(selected.size)} selected`;
	others.replaceChildren(
		hidden.length
			? menu(`${showNumber(hidden.length)} not shown`, hidden.map(linkTo), { look: "quiet" })
			: "",
		selected.size < Math.min(table.total, MAX) ? selectAllButton(table.total, "quiet") : "",
	);
	if (!dock.hasChildNodes()) dock.append(status, others, ...actions());
}
const linkTo = (client) => link(value(fullName(client)), `#/client/${client.id}`);

/** A button for each kind of change; on a phone, a menu of these. */
function actions() {
	const isBroker = session.me.role === "broker" && people().length > 1;
	const kinds = Object.keys(KINDS).filter((kind) => kind !== "owner" || isBroker);
	const buttons = (look) =>
		kinds.map((kind, at) =>
			button(`${KINDS[kind][0]}…`, () => change(kind), look && `${look} ${at ? "" : "main"}`),
		);
	const clear = [
		el("span.no-phone", "Clear"),
		el("kbd.no-phone", "Esc"),
		el("span.phone-only", { role: "img", "aria-label": "Clear" }, "✕"),
	];
	return [
		...buttons("no-phone"),
		menu("Change…", buttons(""), { look: "main phone-only" }),
		button(clear, clearSelection, "quiet end"),
	];
}

// --- the dialog
/** The input for the value of a change. */
function inputOf(kind, clients) {
	const given = { name: "value", required: true };
	const tagsOf = (some) => [...new Set(some.flatMap(({ tags }) => plainTags(tags)))].sort();
	const isActive = ([id]) => !session.users.get(id).disabled;
	const used = el(
		"datalist",
		{ id: "used-tags" },
		tagsOf([...clients, ...results.clients]).map((tag) => el("option", tag)),
	);
	const inputs = {
		add: () => [
			el("input", { ...given, list: used.id, maxlength: "50", autocomplete: "off" }),
			used,
		],
		remove: () =>
			select(
				given,
				tagsOf(clients).map((tag) => [tag, tag]),
			),
		status: () => select(given, choicesOf("status")),
		owner: () => select(given, [["", "Choose…"], ...people().filter(isActive)]),
		due: () => el("input", { ...given, type: "date", min: dateOf() }),
	};
	return inputs[kind]();
}

/** The names of the first clients, and how many others there are. */
function namesOf(clients) {
	const names = clients
		.slice(0, 5)
		.map((client) => isolate(fullName(client)))
		.join(", ");
	return clients.length > 5 ? `${names} and ${showNumber(clients.length - 5)} others` : names;
}

/** Ask for the value of a change, saying whom it changes, and change them. */
async function change(kind) {
	const clients = [...selected.values()];
	const [, title, go, noun] = KINDS[kind];
	const [unchanged, pace] = [el("p.hint"), el("p.hint")];
	const submit = yes(go);
	const input = el("div", field(label(noun), inputOf(kind, clients)));
	const given = () => input.querySelector("[name]").value.trim();
	let left = []; // who has it already
	const tell = () => {
		const jobs = jobsFor(kind, given(), clients);
		const affected = given() ? jobs.map(({ client }) => client) : clients;
		left = clients.filter((client) => !affected.includes(client));
		const reason = kind === "remove" ? "not set" : "already set";
		unchanged.textContent = left.length
			? `${showNumber(left.length)} unchanged, because ${reason}: ${namesOf(left)}.`
			: "";
		pace.textContent = paceText(affected.length, session.rate);
		submit.textContent = `${go} ${counted(affected.length, "client")}`;
		submit.disabled = !affected.length;
	};
	input.addEventListener("input", tell);
	tell();
	const isMeant = await ask(
		`${title} ${counted(clients.length, "client")}`,
		[input, unchanged, pace],
		[submit, no()],
	);
	if (!isMeant) return;
	left.forEach(({ id }) => selected.delete(id)); // as those that are changed
	await run({ kind, value: given(), done: [] }, jobsFor(kind, given(), clients));
}

// --- the change
let running = null; // how to stop what runs
const NAMES = {
	status: label,
	owner: (id) => shortName(owner(id)),
	due: (date) => showDay(`${date}T00:00`),
};

/** Send jobs, after those that are done already, and say what became of them. ``work`` is {kind, value,
 *  done, isUndo}. */
export async function run(work, jobs) {
	if (running) throw new Error("Wait for the change at the bottom to end, then undo again.");
	const stopping = new AbortController();
	running = stopping;
	say(""); // what was said may be undone now
	Object.assign(work, { failed: [], rest: jobs, total: work.done.length + jobs.length });
	const name = NAMES[work.kind]?.(work.value) ?? work.value;
	const title = work.isUndo ? "Undo" : `${KINDS[work.kind][0]} ${name}`;
	const tell = progressOf(title, work, () => stopping.abort());
	await keepOpen(sendAll(work, tell, stopping.signal));
	running = null;
	drawSelection();
	place.refresh?.();
	place.countDue();
	summarize(work, name);
}

/** Send what is left of a change until it is stopped, which waits for an answer. */
async function sendAll(work, tell, signal) {
	const wait = (seconds, status) => {
		tell(seconds, status);
		return sleep(seconds, signal);
	};
	while (work.rest.length && !signal.aborted) {
		const [job] = work.rest;
		try {
			const seconds = secondsFor(1, session.rate);
			if (seconds) await wait(seconds);
			const saved = await send(job.isOld ? await readAnew(job, work) : job, wait);
			work.done.push(saved);
			selected.delete(saved.client.id);
		} catch (error) {
			if (signal.aborted) break;
			work.failed.push({ client: job.client, error });
		}
		work.rest = work.rest.slice(1);
		tell();
	}
}

/** Send a job. If its answer was lost, the second try meets the version that the first has made. */
async function send(job, wait) {
	const { client, path, body } = job;
	if (!path) return job;
	const method = path.endsWith("/owner") ? "POST" : "PUT";
	const { version } = client;
	const sent = call(method, path, { wait, body, version }).catch(async (error) => {
		const newest = error.status === 412 ? await read(client) : {};
		const has = (values) => Object.keys(body).every((name) => same(newest[name], values[name]));
		if (has(body) && newest.version === version + 1) return newest;
		// the person's own change of something else
		const isOwn = error.details?.changedBy === session.me.email;
		if (isOwn && has(job.back)) return call(method, path, { wait, body, version: newest.version });
		throw error;
	});
	return { ...job, client: await sent };
}
const read = ({ id }) => call("GET", `v1/clients/${id}`);

/** The job for a client as it is now; without a path if it has the value already. */
async function readAnew({ client }, { kind, value: given }) {
	const newest = await read(client);
	return jobsFor(kind, given, [newest])[0] ?? { client: newest };
}

/** Show this instead of the selection. A focus that was in there moves to the heading. */
function showChange(...nodes) {
	const change = find("#change");
	const isFocused = find("#dock").contains(document.activeElement);
	change.replaceChildren(...nodes);
	drawDock();
	if (isFocused) focusHeading();
}

/** Show the progress; returns what updates it. */
function progressOf(title, work, stop) {
	const { total } = work;
	const bar = el("progress", { max: total, "aria-label": "Progress" });
	const text = el("span");
	const hint = el("span.hint", "You can keep working, but leave this tab open.");
	const tell = (seconds = 0, status = 429) => {
		bar.value = total - work.rest.length;
		text.textContent = `${title}: ${showNumber(bar.value)} of ${showNumber(total)}`;
		const reason = status === 429 ? " for the rate limit" : `. ${waitText(status)}`;
		if (seconds) text.append(`, waiting ${counted(seconds, "second")}${reason}`);
	};
	tell();
	showChange(text, bar, hint, button("Stop", stop, "end"));
	return tell;
}

/** Say how it ended, and why clients are as they were. */
function summarize({ kind, value: given, done, failed, rest, total, isUndo }, name) {
	const count = `${showNumber(done.length)} of ${showNumber(total)}`;
	const has = `${kind === "remove" ? "no longer" : "now"} ${total === 1 ? "has" : "have"}`;
	const text = isUndo ? `Undone: ${count}` : `${count} ${has} the ${KINDS[kind][3]} ${name}`;
	const sent = done.filter(({ path }) => path);
	const undo = () => run({ kind, value: given, done: [], isUndo: true }, undoing(sent));
	const again = [...(isUndo ? [] : failed.map(({ client }) => ({ client, isOld: true }))), ...rest];
	const back = sent.length && !isUndo ? undoButton(undo, `Undo ${showNumber(sent.length)}`) : "";
	const retry = () => {
		undos.delete(back); // it is replaced
		return run({ kind, value: given, done, isUndo }, again);
	};
	showChange(
		el("strong", { role: "status" }, text),
		back,
		again.length ? button(`Try ${showNumber(again.length)} again`, retry) : "",
		button("✕", () => showChange(), "quiet end", "Close"),
		failed.length
			? el(
					"ul",
					failed.map(({ client, error }) =>
						el("li", linkTo(client), el("span.muted", reasonOf(error))),
					),
				)
			: "",
	);
}

/** Why a client could not be changed. */
function reasonOf(error) {
	const { changedBy } = error.details ?? {};
	return error.status === 412 ? ` was changed by ${nameOf(changedBy)}` : `: ${explain(error)}`;
}
