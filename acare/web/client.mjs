// A client: its status, notes, facts and history; deleting and restoring it.

import { FIELDS, flatten, inputText, same } from "./record.mjs";
import { fullName, isolate, label, listAddress, showBudget, showDay, showHour, showNumber, showTime } from "./values.mjs";
import {
  ask, badge, button, copy, currency, el, link, mail, no, phone, redraw, say, select, show, value, words, yes,
} from "./dom.mjs";
import {
  call, draftNote, dropDraft, finish, isEditable, owner, person, readDraft, ready, remember, shortName, state, writeDraft,
} from "./requests.mjs";

const formOf = (id) => `#/client/${id}/edit`;

/** A client is drawn at once if the list has it, and again if it has changed meanwhile. */
export async function clientView({ id }, signal) {
  const known = [state.latest, ...state.place.clients].find((client) => client?.id === id);
  const past = el("div.past");
  let version = null; // the one that is shown
  const draw = (client) => {
    ({ version } = client);
    remember(client);
    drawClient(client, past, signal);
  };
  if (known && !known.deletedAt) draw(known);
  state.refresh = async () => {
    const headers = version ? { "If-None-Match": `"${version}"` } : {};
    const [client, history] = await Promise.all([
      call("GET", `v1/clients/${id}`, { headers, signal }), readHistory(id, signal), ready(signal)]);
    if (client && version) redraw(() => draw(client));
    else if (client) draw(client);
    if (client || !past.hasChildNodes()) past.replaceChildren(historyOf(id, history, client ?? known));
  };
  await state.refresh();
}

function drawClient(client, past, signal) {
  show(fullName(client), {
    back: state.list ?? "#/", badges: [badge(client.client_type), statusOf(client)],
    actions: [link("Edit", formOf(client.id), "button main"), button("Delete", () => remove(client, signal), "danger")],
  }, draftNote(client.id), el("div.columns", el("div", notesOf(client), factsOf(client)), past));
}

/** A client that this person cannot find: who deleted it, its facts, and a button that restores it. */
export async function goneView(id, signal) {
  const history = await readHistory(id, signal).catch(() => ({ versions: [] }));
  const [last] = history.versions;
  if (last && last.action !== "deleted") return state.render(); // restored meanwhile
  const { clients } = await call("GET", "v1/clients?deleted=true&limit=100", { signal }); // there is no request for one
  const client = last && [...state.place.clients, ...clients].find((one) => one.id === id);
  return show(client ? fullName(client) : "Client not found", {
    back: state.list ?? "#/", actions: last && button("Restore", () => restore(id), "main"),
  }, el("p", last ? `Deleted by ${signature(last.by, last.at)}` : "It was deleted, or it now belongs to someone else."),
  draftNote(id), el("div.columns", client && factsOf(client), last && historyOf(id, history)));
}

/** Restore a client and show the view again, if it has not been left. Another window may have restored it already. */
export async function restore(id) {
  const { address } = state;
  const client = await call("POST", `v1/clients/${id}/restore`).catch((error) => { if (error.status !== 409) throw error; });
  Object.assign(state.place, { id, scroll: scrollY });
  if (address === state.address) await state.render();
  say("The client was restored.", client && link(`Open ${isolate(fullName(client))}`, `#/client/${id}`));
}

async function remove(client, signal) {
  const name = isolate(fullName(client));
  if (!await ask(`Delete ${name}?`, el("p", "It can be restored from the deleted clients."),
    [yes("Delete", "danger main"), no()])) return;
  try {
    await call("DELETE", `v1/clients/${client.id}`, { headers: { "If-Match": `"${client.version}"` }, signal });
  } catch (error) {
    if (![404, 412].includes(error.status)) throw error;
    await state.render(); // shows who deleted or changed it
    const { changedBy, changedAt } = error.details ?? {}; // of a change
    if (changedAt) say(`Not deleted: ${signature(changedBy, changedAt)} changed this client. Check it first.`);
    return;
  }
  const { place } = state;
  const at = place.clients.findIndex(({ id }) => id === client.id);
  place.clients = place.clients.filter(({ id }) => id !== client.id);
  place.id = place.clients[Math.min(at, place.clients.length - 1)]?.id; // the row that is in its place now
  finish(client.id, `${name} was deleted.`, state.list ?? "#/", button("Undo", () => restore(client.id)), 10);
}

/** Change a client and return it. ``change`` gets its newest state and returns the body, or null if nothing is left to
 *  do: it is called again if another person has changed the client meanwhile. */
async function update(client, change) {
  const [path, body] = [`v1/clients/${client.id}`, change(client)];
  if (!body) return client;
  return call("PUT", path, { body, headers: { "If-Match": `"${client.version}"` } }).catch(async (error) => {
    if (error.status !== 412) throw error;
    return update(await call("GET", path), change);
  });
}

function showSaved(client) {
  remember(client);
  say("Saved.");
  state.refresh?.();
}

function statusOf(client) {
  const change = ({ target }) =>
    update(client, (newest) => (newest.status === target.value ? null : { status: target.value }))
      .then(showSaved, (error) => { target.value = client.status; throw error; });
  return select({ id: "status", class: `badge ${client.status}`, "aria-label": "Status", value: client.status, change },
    words(FIELDS.find(({ name }) => name === "status")));
}

/** The notes of a client, and a field for another one, which begins with the time and the author. What is typed is a
 *  draft until it is saved. */
function notesOf(client) {
  const id = `note:${client.id}`;
  const text = el("textarea",
    { id: "note", rows: "1", "aria-label": "Add note", placeholder: "New note", value: readDraft(id)?.text });
  const keep = () => (text.value.trim()
    ? writeDraft({ id, text: text.value, label: fullName(client), address: `#/client/${client.id}` }) : dropDraft(id));
  const submit = async (event) => {
    event.preventDefault();
    const draft = readDraft(id);
    if (!draft || text.readOnly) return text.focus();
    const time = new Date().toLocaleString("sv").slice(0, 16); // in the format of Swedish for all readers
    draft.entry ??= `${time} ${shortName(state.me.email)}: ${draft.text.trim()}`; // the same one if this is tried again
    writeDraft(draft);
    text.readOnly = true;
    try {
      const saved = await update(client, ({ notes }) => (notes?.includes(draft.entry) ? null
        : { notes: [draft.entry, notes].filter(Boolean).join("\n\n") }));
      dropDraft(id);
      showSaved(saved);
    } finally {
      text.readOnly = false;
    }
  };
  const form = el("form.note-field", { input: keep, submit }, text, el("button", { id: "add-note" }, "Add note"));
  return el("section.card", el("h2", label("notes")), form,
    client.notes ? el("div.lines", { dir: "auto" }, linked(client.notes)) : null);
}

// --- facts and history
export const isUnset = (given) => given === null || given === "" || same(given, []) || same(given, {});

const LINKS = { email: mail, phone };
const copyBefore = ({ target }) => { copy(target.previousElementSibling); say("Copied."); };

/** A text with its web addresses as links. */
const linked = (text) => text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]'])/).map((part, at) =>
  (at % 2 ? el("a", { href: part, target: "_blank", rel: "noreferrer" }, part) : part));

/** A value as a person reads it. */
function shown(field, given, links = true) {
  if (isUnset(given)) return el("span.unset", "–");
  if (links && LINKS[field.kind]) {
    return [LINKS[field.kind](given), " ", button("Copy", copyBefore, "quiet", `Copy: ${field.label}`)];
  }
  if (field.kind === "choice") return badge(given);
  if (field.kind === "user") return person(owner(given));
  if (typeof given === "boolean") return given ? "Yes" : "No";
  if (typeof given === "number") return showNumber(given, undefined, field.kind === "money" ? currency : undefined);
  if (field.kind === "list" && links) {
    const isFound = field.name !== "property_types"; // by the search of the list
    return el("ul.tags", given.map((item) =>
      el("li", isFound ? link(value(item), listAddress({ q: item })) : value(item))));
  }
  const isJson = !field.kind && typeof given === "object"; // a detail
  return Object.assign(value(isJson ? JSON.stringify(given) : inputText(given)), { className: field.kind ?? "" });
}

const ELSEWHERE = ["first_name", "last_name", "client_type", "status", "notes", "budget_max"]; // on the page of a client
/** The facts that are known, since blanks and the default of a flag would hide them; each detail is one. */
function factsOf(client) {
  const values = flatten(client);
  const fact = (field, given) =>
    el("div", { class: field.kind }, el("dt", value(field.label)), el("dd", shown(field, given)));
  return el("section.card.facts", el("h2", "Details"), el("dl", FIELDS.flatMap((field) => {
    const isBudget = field.name === "budget_min"; // with the maximum
    const given = isBudget ? showBudget(client, currency) : values[field.name];
    if (ELSEWHERE.includes(field.name) || isUnset(given) || given === false) return [];
    if (field.kind !== "details") return [fact(isBudget ? { label: label("budget") } : field, given)];
    return Object.entries(given).map(([name, detail]) => fact({ label: label(name) }, detail));
  })));
}

const readHistory = (id, signal, before = "") =>
  call("GET", `v1/clients/${id}/history${before && `?before=${before}`}`, { signal });

/** Who did something, and when. */
export const signature = (email, time) => `${nameOf(email)}, ${showTime(time)}`;
export const nameOf = (email) => (email ? shortName(email) : "Administrator");

/** The changes of a client by day, newest first: five, then more on demand. An earlier value can be put into the form,
 *  if the client is not deleted. */
function historyOf(id, { versions, meta }, client = null, limit = 5) {
  const days = Map.groupBy(versions.slice(0, limit), ({ at }) => showDay(at));
  const showMore = async () => {
    const page = limit < versions.length ? null : await readHistory(id, undefined, versions.at(-1).version);
    const all = page ? { ...page, versions: [...versions, ...page.versions] } : { versions, meta };
    redraw(() => section.replaceWith(historyOf(id, all, client, limit + 20)));
  };
  const more = el("button.quiet", { id: "older", type: "button", click: showMore }, "Show older changes");
  const section = el("section.card", el("h2", "History"), el("div.history", [...days].map(([day, several]) =>
    [el("h3", day), el("ol", several.map((version) => entry(version, client)))])),
  limit < versions.length || meta.hasMore ? more : null);
  return section;
}

function entry({ action, changes, by, at }, client) {
  const isNamed = ["created", "imported", "deleted", "restored"].includes(action); // else its changes say it
  const [before, after] = ["from", "to"].map((side) =>
    flatten(Object.fromEntries(changes.map((change) => [change.field, change[side]]))));
  return el("li", isNamed ? label(action) : null, FIELDS.map((field) => {
    const [from, to] = [before, after].map((values) => values[field.name] ?? null);
    return same(from, to) ? null : el("div", el("span.hint", `${field.label}: `), changed(field, from, to),
      client && useOf(field, from, client));
  }), el("div.hint", by ? person(by) : nameOf(by), ` · ${showHour(at)}`));
}

/** What was changed in a field; of notes with one put before them, only that one. */
export function changed(field, from, to) {
  const old = field.kind === "lines" && to?.endsWith(from ?? "") ? from ?? "" : null;
  return old === null ? [shown(field, from, false), " → ", shown(field, to, false)]
    : ["+ ", value(to.slice(0, to.length - old.length).trim())];
}

/** The button that puts an earlier value into the form, where it is marked. */
function useOf(field, from, client) {
  const values = flatten(client);
  if (!isEditable(field) || isUnset(from) || same(from, values[field.name])) return null;
  const use = () => {
    const draft = readDraft(client.id) ?? { id: client.id, base: values, values };
    const notes = { ...draft.notes, [field.name]: { isMarked: true } };
    writeDraft({ ...draft, values: { ...draft.values, [field.name]: from }, notes });
    say("");
    location.assign(formOf(client.id));
  };
  const text = el("p", shown(field, from, false)).textContent;
  return button("Use old value", use, "quiet", `Use old value: ${field.label}, ${text.slice(0, 60)}`);
}
