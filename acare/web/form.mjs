// The form of a client: saving, what another person has saved meanwhile, and clients who exist
// already.

import { fullName, isolate, isUnset, label, same, showDay } from "./values.mjs";
import { FIELDS, fieldsOf, flatten, problemsOf, readFields, typedFields } from "./record.mjs";
import { changes, combine, merge } from "./changes.mjs";
import { ask, button, el, no, say, show, value, yes } from "./dom.mjs";
import {
	call,
	isEditable,
	nameOf,
	owner,
	ready,
	session,
	shortName,
	signature,
} from "./session.mjs";
import {
	draftId,
	draftNotes,
	dropDraft,
	finish,
	isNew,
	place,
	readDraft,
	remember,
	writeDraft,
} from "./place.mjs";
import { changed } from "./versions.mjs";
import { control } from "./inputs.mjs";

const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
export async function formView({ id, draft: name, query }, signal) {
	await ready(signal);
	const draft = readDraft(draftId({ id, name }));
	if (draft) return drawForm(draft, signal, "", "Unsaved changes:");
	const base = id
		? flatten(await call("GET", `v1/clients/${id}`, { signal }))
		: { status: "active", user_id: session.me.id }; // what the server sets
	const values = id ? base : { ...base, ...typedFields(query.q) };
	return drawForm({ id, name: newKey(), base, values, key: newKey() }, signal);
}

const backOf = ({ id }) => (id ? `#/client/${id}` : (place.list ?? "#/"));
const discard = (draft) => finish(draftId(draft), "", backOf(draft));

/** Keep what is typed as a draft. A reload of the page continues with it. */
function keep(draft, values) {
	draft.values = values;
	if (same(draft.values, draft.base)) return dropDraft(draftId(draft));
	writeDraft(draft);
	if (draft.id) return null;
	history.replaceState(null, "", `#/new?draft=${draft.name}`);
	place.address = location.hash;
}

export function drawForm(draft, signal, message = "", note = null) {
	const initial = { ...draft.values };
	const input = () => keep(draft, { ...initial, ...readFields(new FormData(form), initial) });
	const submit = (event) => {
		event.preventDefault();
		input();
		save(draft, form, signal);
	};
	// with its problem
	const reveal = ({ target }) => target.closest(".field")?.scrollIntoView({ block: "nearest" });
	const summary = el("p.problem", { role: "alert", tabindex: "-1" }, message);
	const form = el(
		"form.client",
		{ input, submit, focusin: reveal },
		el("p.note", note),
		draft.id ? null : draftNotes((id) => isNew(id) && id !== draftId(draft)),
		summary,
		inputsOf(draft, initial),
		el(
			"div.actions",
			el("button.main", "Save"),
			button("Discard changes", () => discard(draft)),
		),
	);
	show(titleOf(draft), { back: backOf(draft), isNarrow: true }, form);
	const noted = form.querySelector("[aria-invalid], .marked :is(input, select, textarea)");
	(noted ?? (message ? summary : form.querySelector("input"))).focus({ preventScroll: true });
	return form;
}

const titleOf = ({ id, base }) => (id ? `Edit ${isolate(fullName(base))}` : "New client");

/** All inputs. Those of the search profile are folded away if none is used. */
function inputsOf(draft, initial) {
	const isUsed = ({ name }) => !isUnset(initial[name] || null) || draft.notes?.[name];
	const fields = fieldsOf(initial).filter(
		(field) => isEditable(field) || draft.notes?.[field.name],
	);
	const open = fields.some((field) => field.isProfile && isUsed(field));
	const [main, profile] = [false, true].map((isProfile) =>
		fields.filter((field) => field.isProfile === isProfile),
	);
	const inputs = (some) =>
		el(
			"div.fields",
			some.map((field) => control(field, initial, draft)),
		);
	return [
		el("section.card", inputs(main)),
		el("details.card", { open }, el("summary", "Search profile"), inputs(profile)),
	];
}

/** Save a draft. The form is disabled meanwhile, so that nothing is sent twice and no input is
 *  lost. */
async function save(draft, form, signal, done = draft.id ? "Saved." : "Created.") {
	const { user_id, ...body } = changes(draft.base, draft.values);
	const isChanged = !draft.id || Object.keys(body).length > 0;
	if (!isChanged && !user_id) return discard(draft);
	const path = draft.id ? `v1/clients/${draft.id}` : "v1/clients";
	const options = draft.id
		? { version: draft.base.version, signal }
		: { headers: { "Idempotency-Key": draft.key }, signal };
	say("");
	form.inert = true;
	form.querySelector(".main").textContent = "Saving…";
	try {
		const isComplete = FIELDS.every(({ name, required }) => !required || draft.values[name]);
		const twins = draft.isAsked || !isComplete ? [] : await findTwins(draft, body, signal);
		if (twins.length) return askForTwin(draft, twins, signal);
		const saved = isChanged
			? await call(draft.id ? "PUT" : "POST", path, { ...options, body })
			: await call("POST", `${path}/owner`, { ...options, body: { user_id } });
		remember(saved);
		dropDraft(draftId(draft));
		place.countDue();
		if (!isChanged || !user_id) return finish(saved.id, done, backOf(saved));
		// The owner is another request. If it fails, only the owner is unsaved.
		const base = flatten(saved);
		writeDraft(Object.assign(draft, { id: saved.id, base, values: { ...base, user_id } }));
		return save(draft, form, signal, done);
	} catch (error) {
		return showProblem(error, draft, signal);
	}
}

/** Show why a draft was not saved, and what to do. */
function showProblem(error, draft, signal) {
	if (signal.aborted) return null;
	if (error.status === 404) return location.replace(backOf(draft)); // the draft is kept
	if (error.status === 412) {
		return reconcile(draft, error.details, signal).catch((problem) =>
			showProblem(problem, draft, signal),
		);
	}
	draft.notes = error.status === 400 ? problemsOf(error.problems, draft.values) : {};
	const hasProblems = Object.keys(draft.notes).length > 0;
	if (hasProblems)
		return drawForm(draft, signal, "The client was not saved. Correct the marked fields.");
	if (error.status !== 422) return drawForm(draft, signal, error.message);
	writeDraft(Object.assign(draft, { key: newKey() })); // another save is then intentional
	return drawForm(
		draft,
		signal,
		"An earlier attempt may have created this client. Look at the list before you save again.",
	);
}

/** Merge a draft with what was saved meanwhile, and show that at the fields. */
async function reconcile(draft, details, signal) {
	const theirs = flatten(await call("GET", `v1/clients/${draft.id}`, { signal }));
	const rows = merge(draft.base, draft.values, theirs);
	const [isMine, isTheirs, isTorn] = ["mine", "theirs", "conflict"].map((kind) =>
		rows.some((row) => row.kind === kind),
	);
	// The server may have these values already.
	if (!isMine && !isTorn) return finish(draft.id, "Saved.", backOf(draft));
	const author = details.changedBy === session.me.email ? "You" : nameOf(details.changedBy);
	const others = rows.filter(({ kind }) => kind !== "mine");
	const notes = Object.fromEntries(others.map((row) => [row.field.name, noteFor(row, author)]));
	writeDraft(Object.assign(draft, { base: theirs, values: combine(theirs, rows), notes }));
	// It may have been restored, or have another owner.
	if (!isTheirs && !isTorn) return save(draft, drawForm(draft, signal), signal);
	const who =
		author === "You" ? "You changed this client elsewhere" : "Someone else changed this client";
	const saved = `saved by ${signature(details.changedBy, details.changedAt)}. No changes are lost.`;
	const next = isTorn
		? "Choose which value to keep where you changed the same field."
		: "Save again to keep both changes.";
	return drawForm(draft, signal, `${who}: ${saved} ${next}`);
}

/** The note at a field that was saved meanwhile. */
function noteFor({ field, kind, base, mine, theirs }, author) {
	const { textContent: text } = el("p", `${author} changed this: `, changed(field, base, theirs));
	if (kind !== "conflict") return { text };
	const choices = [
		["Keep your value", mine],
		[author === "You" ? "Use the saved value" : "Use their value", theirs],
	];
	return { text, isInvalid: true, choices };
}

/** Other clients that have the new name, e-mail address or phone number of a draft. */
async function findTwins({ id, values }, { first_name, last_name, email, phone }, signal) {
	const name = fullName(values).toLowerCase();
	const initials = (text) => text.normalize("NFD").replace(/(\S)[^\s-]*[\s-]*/g, "$1");
	// The search also finds longer words and other fields. Another spelling has few letters more.
	const isNamed = (client) => {
		const other = fullName(client).toLowerCase();
		return initials(name) === initials(other) && Math.abs(name.length - other.length) < 4;
	};
	const search = async (query, isTwin = () => true) => {
		const { clients } = await call(
			"GET",
			`v1/clients?${new URLSearchParams({ ...query, limit: "5" })}`,
			{ signal },
		);
		return clients
			.filter((client) => client.id !== id && isTwin(client))
			.map((client) => [client.id, client]);
	};
	const found = await Promise.all([
		first_name || last_name ? search({ q: name }, isNamed) : [],
		email ? search({ email }) : [],
		phone?.replace(/\D/g, "").length >= 7 ? search({ q: phone }) : [], // found in any notation
	]).catch((error) => {
		if (error.status === 400) return []; // saving reports the reason
		throw error;
	});
	return [...new Map(found.flat()).values()];
}

/** A client who may be the same person, with links: [[text, href]]. */
function twinRow(client, links) {
	const { email, phone, status, created_at: created } = client;
	const about = [shortName(owner(client.user_id)), label(status), `created ${showDay(created)}`];
	const facts = [email, phone, about.join(" · ")].filter(Boolean);
	const name = isolate(fullName(client));
	return el(
		"li",
		el(
			"div",
			el("strong", value(fullName(client))),
			facts.map((fact) => el("div.hint", value(fact))),
		),
		el(
			"div.actions",
			links.map(([text, href], at) =>
				el(
					"a",
					{ class: at ? "button" : "button main", href, "aria-label": `${text} ${name}` },
					text,
				),
			),
		),
	);
}

async function askForTwin(draft, twins, signal) {
	const form = drawForm(draft, signal);
	const rows = twins.map((twin) =>
		draft.id
			? twinRow(twin, [["Merge", `#/client/${draft.id}/merge/${twin.id}`]])
			: twinRow(twin, [
					["Open", `#/client/${twin.id}`],
					["Merge", `#/client/${twin.id}/merge/${draftId(draft)}`],
				]),
	);
	const isMeant = await ask("This client may already exist", el("ul.keys", rows), [
		yes(draft.id ? "Save anyway" : "Create anyway", ""),
		no("Back to the form"),
	]);
	if (!isMeant) return;
	writeDraft(Object.assign(draft, { isAsked: true }));
	save(draft, form, signal);
}
