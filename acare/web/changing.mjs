// Changing, deleting and restoring a client.

import { explain, fullName, isolate } from "./values.mjs";
import { ask, button, el, link, no, say, yes } from "./dom.mjs";
import { call } from "./session.mjs";
import { go, place, remember, results } from "./place.mjs";
import { dropDraft, finish, writeDraft } from "./drafts.mjs";
import { signature } from "./history.mjs";
import { keepWalk } from "./walk.mjs";

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
		await keepWalk();
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
		10,
	);
}

/** Delete the client that was merged into another one, unless it has changed meanwhile. Until that
 *  is done, a draft keeps the second step. */
export async function removeOther(survivor, other, signal) {
	const id = `merge:${other.id}`;
	const address = `#/client/${survivor.id}/merge/${other.id}`;
	writeDraft({ id, other, address, label: `${other.name}, merged but not deleted` });
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
	await keepWalk();
	return call("PUT", path, { body, headers: { "If-Match": `"${client.version}"` } }).catch(
		async (error) => {
			if (error.status !== 412) throw error;
			return update(await call("GET", path), change);
		},
	);
}

export function showSaved(client, undo = null) {
	remember(client);
	say("Saved.", undo && button("Undo", undo), undo ? 10 : 6);
	place.refresh?.();
	place.countDue();
}
