// The form of a client: saving, and what another person has saved meanwhile.

import { counted, fullName, isolate, isUnset, same } from "./values.mjs";
import { FIELDS, fieldsOf, flatten, problemsOf, readFields, typedFields } from "./record.mjs";
import { changes, combine, merge } from "./changes.mjs";
import { button, el, say, show, undoButton } from "./dom.mjs";
import { call, isEditable, nameOf, ready, session, signature } from "./session.mjs";
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
import { changed, changedSince, forget, revert, showSaved } from "./versions.mjs";
import { control, idOf } from "./fields.mjs";
import { findTwins, twinsOf, WHO } from "./twins.mjs";

const PROFILE = "Search profile";
const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
export async function formView({ id, draft: name, query }, signal) {
	await ready(signal);
	const draft = readDraft(draftId({ id, name }));
	if (draft) return drawForm(draft, signal);
	const base = id
		? flatten(await call("GET", `v1/clients/${id}`, { signal }))
		: { client_type: "buyer", status: "active", user_id: session.me.id };
	const values = id ? base : { ...base, ...typedFields(query.q) };
	return drawForm({ id, name: newKey(), base, values, key: newKey() }, signal);
}

const backOf = ({ id }) => (id ? `#/client/${id}` : (place.list ?? "#/"));
/** Delete a draft, which can be undone. */
function discard(draft) {
	const id = draftId(draft);
	const { hash } = location;
	const undo = () => {
		if (!readDraft(id)) writeDraft(draft); // else there is a newer one
		location.assign(hash);
	};
	if (readDraft(id)) finish(id, "Discarded.", backOf(draft), undoButton(undo));
	else finish(id, "", backOf(draft));
}

/** Keep what is typed as a draft. A reload of the page continues with it. */
function keep(draft, values) {
	draft.values = values;
	if (same(draft.values, draft.base)) return dropDraft(draftId(draft));
	writeDraft(draft);
	if (draft.id) return null;
	history.replaceState(null, "", `#/new?draft=${draft.name}`);
	place.address = location.hash;
}

function drawForm(draft, signal, message = "") {
	const initial = { ...draft.values };
	const input = () => {
		keep(draft, { ...initial, ...readFields(new FormData(form), initial) });
		kept.hidden = !readDraft(draftId(draft));
		form.querySelector(".profile").hidden = !hasProfile(draft);
	};
	const submit = (event) => {
		event.preventDefault();
		input();
		save(draft, form, signal);
	};
	const change = ({ target }) => WHO.includes(target.name) && lookForTwins(draft, form, signal);
	// with its problem
	const reveal = ({ target }) => target.closest(".field")?.scrollIntoView({ block: "nearest" });
	const kept = el("span.hint", { hidden: !readDraft(draftId(draft)) }, "Draft kept in this tab");
	const summary = summaryOf(draft, message);
	const form = el(
		"form.client",
		{ input, change, submit, focusin: reveal },
		draft.id ? null : draftNotes((id) => isNew(id) && id !== draftId(draft)),
		summary,
		el("div.card", partsOf(draft, initial)),
		el(
			"div.bar",
			el("button.main", "Save client"),
			button(["Cancel", el("kbd.no-phone", "Esc")], () => discard(draft)),
			el("span.problem.end.no-phone", corrections(draft)),
		),
	);
	show(titleOf(draft), { back: backOf(draft), actions: kept }, form);
	const noted = form.querySelector(
		":is([aria-invalid], .marked) :is(input, select, textarea), [aria-invalid]",
	);
	(noted ?? (message ? summary : form.querySelector("input"))).focus({ preventScroll: true });
	return form;
}

const titleOf = ({ id, base }) => (id ? `Edit ${isolate(fullName(base))}` : "New client");
const invalid = ({ notes = {} }) => fieldsOf(notes).filter(({ name }) => notes[name]?.isInvalid);
function corrections(draft) {
	const { length } = invalid(draft);
	return length ? `${counted(length, "field")} need${length === 1 ? "s" : ""} a correction` : "";
}

/** Why a draft was not saved, with a link to each field. */
function summaryOf(draft, message) {
	const problems = invalid(draft).map((field) => {
		const click = (event) => {
			event.preventDefault();
			const node = document.getElementById(idOf(field));
			(node.querySelector("input") ?? node).focus();
		};
		const text = draft.notes[field.name].text.replace(`${field.label} `, "");
		return [el("a", { href: `#${idOf(field)}`, click }, field.label), ` ${text} `];
	});
	const title = message || (problems.length ? `Not saved: ${corrections(draft)}.` : "");
	return el(
		"div.note.bad",
		{ role: "alert", tabindex: "-1", hidden: !title },
		el("strong", title),
		el("div", problems),
	);
}

/** Whether a search profile is of use, or has something already. */
const hasProfile = ({ values }) =>
	values.client_type !== "seller" ||
	FIELDS.some(({ name, part }) => part === PROFILE && !isUnset(values[name] || null));

/** The parts of the form, each with its inputs. */
function partsOf(draft, initial) {
	const fields = fieldsOf(initial).filter(
		(field) => isEditable(field) || draft.notes?.[field.name],
	);
	return [...new Set(fields.map(({ part }) => part))].map((part) =>
		el(
			part === PROFILE ? "section.part.profile" : "section.part",
			{ hidden: part === PROFILE && !hasProfile(draft) },
			el("h2", part),
			el(
				"div.grid",
				fields
					.filter((field) => field.part === part)
					.map((field) => control(field, initial, draft)),
				part === "Person" && el("div.twins", { role: "status" }, twinsOf(draft)),
			),
		),
	);
}

/** Show who else has the name, e-mail address or phone number that was typed. */
async function lookForTwins(draft, form, signal) {
	const wait = () => Promise.reject(new Error("Saving looks for them again"));
	const body = changes(draft.base, draft.values);
	const twins = await findTwins(draft, body, { signal, wait }).catch(() => null);
	if (!twins || !form.isConnected) return;
	draft.twins = twins;
	form.querySelector(".twins").replaceChildren(twinsOf(draft));
}

/** Whether a client was found that the form does not show. */
async function hasNewTwins(draft, body, signal) {
	if (!FIELDS.every(({ name, required }) => !required || draft.values[name])) return false;
	const known = (draft.twins ?? []).map(({ id }) => id);
	draft.twins = await findTwins(draft, body, { signal });
	return draft.twins.some(({ id }) => !known.includes(id));
}

/** Save a draft. The form is disabled meanwhile, so that nothing is sent twice and no input is
 *  lost. */
async function save(draft, form, signal, before = draft.id ? draft.base : null) {
	const { user_id, ...body } = changes(draft.base, draft.values);
	if (!draft.id) body.client_type = draft.values.client_type;
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
		if (await hasNewTwins(draft, body, signal))
			return drawForm(
				draft,
				signal,
				"Not saved: this person may already be a client. If not, save again.",
			);
		const saved = isChanged
			? await call(draft.id ? "PUT" : "POST", path, { ...options, body })
			: await call("POST", `${path}/owner`, { ...options, body: { user_id } });
		remember(saved);
		dropDraft(draftId(draft));
		place.countDue();
		if (!isChanged || !user_id) {
			const back = undoButton(() => undo(saved, before));
			return finish(saved.id, before ? "Saved." : "Created.", backOf(saved), back);
		}
		// The owner is another request. If it fails, only the owner is unsaved.
		const base = flatten(saved);
		writeDraft(Object.assign(draft, { id: saved.id, base, values: { ...base, user_id } }));
		return save(draft, form, signal, before);
	} catch (error) {
		return showProblem(error, draft, signal);
	}
}

/** Take a save or, without a state ``before``, a creation back, unless the client was changed since. */
async function undo(saved, before) {
	const path = `v1/clients/${saved.id}`;
	const newest = await call("GET", path);
	if (!before) {
		if (Object.keys(difference(flatten(newest), flatten(saved))).length) throw changedSince();
		await call("DELETE", path, { version: newest.version });
		forget(saved.id);
		await place.render();
		return say(`Undone: ${isolate(fullName(saved))}.`);
	}
	const { user_id, ...body } = difference(flatten(saved), before);
	if (user_id && newest.user_id !== saved.user_id) throw changedSince();
	const reverted = await revert(newest, saved, body);
	const options = { body: { user_id }, version: reverted.version };
	const client = user_id ? await call("POST", `${path}/owner`, options) : reverted;
	return showSaved({ saved: client }, `Undone: ${isolate(fullName(client))}.`);
}

/** What an update of one client would send to make it another one. */
function difference(...clients) {
	const fields = fieldsOf(...clients);
	return changes(
		...clients.map((one) => Object.fromEntries(fields.map(({ name }) => [name, one[name]]))),
	);
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
	if (Object.keys(draft.notes).length) return drawForm(draft, signal);
	if (error.status !== 422) return drawForm(draft, signal, error.message);
	writeDraft(Object.assign(draft, { key: newKey() })); // another save is then intentional
	return drawForm(
		draft,
		signal,
		"An earlier attempt may have created this client. Check the list before you save again.",
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
