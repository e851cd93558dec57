// What is typed and not saved, as drafts in the storage of this tab; changing, deleting and restoring a
// client.

import { explain, fullName, isolate } from "./values.mjs";
import { ask, button, el, link, no, say, value, yes } from "./dom.mjs";
import { call, session, signature, stored } from "./session.mjs";
import { go, place, remember, results } from "./place.mjs";

const start = () => stored(`draft:${session.me?.id}:`);
const storedName = (id) => `${start()}${id}`;
/** The id of a draft: the id of its client or, for a new one, a name of its own. */
export const draftId = ({ id, name }) => id ?? `new:${name}`;
/** Whether an id is that of the draft of a new client. */
export const isNew = (id) => id.startsWith("new:");
export const readDraft = (id) => JSON.parse(sessionStorage.getItem(storedName(id)));
export const writeDraft = (draft) =>
	sessionStorage.setItem(storedName(draftId(draft)), JSON.stringify(draft));
export const dropDraft = (id) => sessionStorage.removeItem(storedName(id));

/** Close a form: delete its draft, show a message, optionally with a button, and show another view. */
export function finish(id, text, address, action) {
	dropDraft(id);
	say(text, action);
	// A second entry of the same view in the browser's history would take a second step back.
	if (address === place.previous) history.back();
	else location.replace(address);
}

/** The drafts of this tab: [{id, text, state, address}]. A draft that is not of a form has the name
 *  of its client, what is to be done, and the address where it is continued. */
export const drafts = () =>
	Object.keys(sessionStorage)
		.filter((name) => name.startsWith(start()))
		.map((name) => {
			const draft = JSON.parse(sessionStorage.getItem(name));
			const { id, base, values, label, state = "not saved", address } = draft;
			const typed = values && fullName({ first_name: "", last_name: "", ...values }).trim();
			return {
				id: draftId(draft),
				text: label ?? (id ? fullName(base) : typed || "A new client"),
				state,
				address: address ?? (id ? `#/client/${id}/edit` : `#/new?draft=${draft.name}`),
			};
		});
/** A line for each draft, or for some of them. */
export const draftNotes = (isShown = () => true) =>
	drafts()
		.filter(({ id }) => isShown(id))
		.map(({ id, text, state, address }) => {
			const discard = ({ target }) => {
				dropDraft(id);
				target.closest("p").remove();
			};
			return el(
				"p.note",
				value(text),
				`, ${state}: `,
				el("a", { href: address, "aria-label": `Continue: ${text}` }, "continue"),
				" or ",
				button("discard", discard, "quiet", `Discard: ${text}`),
			);
		});

addEventListener("beforeunload", (event) => {
	if (session.me && drafts().length) event.preventDefault(); // closing the tab would lose the draft
});

// --- requests
/** Restore a client and show the view again, if it has not been left. Another window may have
 *  restored it already. */
export async function restore(id) {
	const { address } = place;
	const client = await call("POST", `v1/clients/${id}/restore`).catch((error) => {
		if (error.status !== 409) throw error;
	});
	Object.assign(results, { id, scroll: scrollY });
	if (address === place.address) await place.render();
	say(
		"The client was restored.",
		client && link(`Open ${isolate(fullName(client))}`, `#/client/${id}`),
	);
}

export async function remove(client, signal) {
	const name = isolate(fullName(client));
	if (
		!(await ask(`Delete ${name}?`, el("p", "It can be restored from the deleted clients."), [
			yes("Delete", "danger main"),
			no(),
		]))
	)
		return;
	try {
		await call("DELETE", `v1/clients/${client.id}`, {
			headers: { "If-Match": `"${client.version}"` },
			signal,
		});
	} catch (error) {
		if (![404, 412].includes(error.status)) throw error;
		await place.render(); // shows who deleted or changed it
		const { changedBy, changedAt } = error.details ?? {}; // of a change
		if (changedAt)
			say(`Not deleted: ${signature(changedBy, changedAt)} changed this client. Check it first.`);
		return;
	}
	const at = results.clients.findIndex(({ id }) => id === client.id);
	results.clients = results.clients.filter(({ id }) => id !== client.id);
	// the row that is in its place now
	results.id = results.clients[Math.min(at, results.clients.length - 1)]?.id;
	finish(
		client.id,
		`${name} was deleted.`,
		place.list ?? "#/",
		button("Undo", () => restore(client.id)),
	);
}

/** Delete the client that was merged into another one, unless it has changed meanwhile. Until that
 *  is done, a draft keeps the second step. A new client was only a draft. */
export async function removeOther(survivor, other, signal) {
	if (isNew(other.id)) return finish(other.id, "Saved.", `#/client/${survivor.id}`);
	const id = `merge:${other.id}`;
	const address = `#/client/${survivor.id}/merge/${other.id}`;
	writeDraft({ id, other, address, label: other.name, state: "merged but not deleted" });
	const headers = { "If-Match": `"${other.version}"` };
	try {
		await call("DELETE", `v1/clients/${other.id}`, { headers, signal });
	} catch (error) {
		if (error.name === "AbortError") throw error;
		const isChanged = error.status === 412;
		if (isChanged) dropDraft(id);
		if (error.status !== 404) {
			await go(address);
			const name = isolate(other.name);
			return say(isChanged ? `${name} was changed meanwhile. Merge again.` : explain(error));
		}
	}
	const merged = `${isolate(other.name)} was merged and deleted.`;
	return finish(id, merged, `#/client/${survivor.id}`);
}

/** Change a client and return it. ``change`` gets its newest state and returns the body, or null if
 *  nothing is left to do: it is called again if another person has changed the client meanwhile. */
export async function update(client, change) {
	const [path, body] = [`v1/clients/${client.id}`, change(client)];
	if (!body) return client;
	return call("PUT", path, { body, headers: { "If-Match": `"${client.version}"` } }).catch(
		async (error) => {
			if (error.status !== 412) throw error;
			return update(await call("GET", path), change);
		},
	);
}

export function showSaved(client, undo = null) {
	remember(client);
	say("Saved.", undo && button("Undo", undo));
	place.refresh?.();
	place.countDue();
}
