// The facts of a client, what happened to it, and restoring a deleted one.

import { TEXT, label } from "./text.mjs";
import { FIELDS, flatten, inputText, same } from "./record.mjs";
import { fullName, isolate, listAddress, showBudget, showDay, showHour, showMoney, showNumber, showTime } from "./values.mjs";
import { badge, button, copy, currency, el, go, link, mail, phone, say, show, value } from "./dom.mjs";
import { call, draftNote, isEditable, owner, person, readDraft, shortName, state, writeDraft } from "./requests.mjs";

export const isUnset = (given) => given === null || given === "" || same(given, []) || same(given, {});

const copied = (text, name) =>
  button(TEXT.copy, () => { copy(text); say(TEXT.copied); }, "quiet", `${TEXT.copy}: ${label(name)}`);
const LINKS = {
  email: (text) => [mail(text), copied(text, "email")], phone: (text) => [phone(text), copied(text, "phone")],
};

/** A text with its web addresses as links. */
export const linked = (text) => text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]'])/).map((part, at) =>
  (at % 2 ? el("a", { href: part, target: "_blank", rel: "noreferrer" }, part) : part));

/** A value as a person reads it. */
export function shown(field, given, links = true) {
  if (isUnset(given)) return el("span.unset", TEXT.unset);
  if (links && Object.hasOwn(LINKS, field.name)) return LINKS[field.name](given);
  if (field.kind === "choice") return badge(given);
  if (field.kind === "user") return person(owner(given));
  if (typeof given === "boolean") return given ? TEXT.yes : TEXT.no;
  if (typeof given === "number") return field.kind === "money" ? showMoney(given, currency) : showNumber(given);
  if (field.kind === "list") {
    const isFound = links && ["tags", "preferred_locations"].includes(field.name); // by the search of the list
    return el("ul.tags", given.map((item) =>
      el("li", isFound ? link(value(item), listAddress({ q: item })) : value(item))));
  }
  const isJson = field.kind === undefined && typeof given === "object"; // a detail
  return Object.assign(value(isJson ? JSON.stringify(given) : inputText(given)), { className: field.kind ?? "" });
}

const ELSEWHERE = ["first_name", "last_name", "client_type", "status", "notes", "budget_max"]; // on the page of a client
/** The facts that are known, since blanks and the default of a flag would hide them; each detail is one. */
export function factsOf(client) {
  const values = flatten(client);
  const fact = (field, given) =>
    el("div", { class: field.kind }, el("dt", value(field.label)), el("dd", shown(field, given)));
  return el("section.card.facts", el("h2", TEXT.details), el("dl", FIELDS.flatMap((field) => {
    const isBudget = field.name === "budget_min"; // with the maximum
    const given = isBudget ? showBudget(client, currency) : values[field.name];
    if (ELSEWHERE.includes(field.name) || isUnset(given) || given === false) return [];
    if (field.kind !== "details") return [fact(isBudget ? { label: label("budget") } : field, given)];
    return Object.entries(given).map(([name, detail]) => fact({ label: label(name) }, detail));
  })));
}

export const readHistory = (id, signal, before = "") =>
  call("GET", `v1/clients/${id}/history${before && `?before=${before}`}`, { signal });

/** The author and time of a version, of a deletion, or of the details of a conflict. */
export const signature = ({ by, deletedBy, changedBy, at, deletedAt, changedAt }) =>
  `${nameOf(by ?? deletedBy ?? changedBy)}, ${showTime(at ?? deletedAt ?? changedAt, { long: true })}`;
const nameOf = (email) => (email ? shortName(email) : TEXT.operator);

const FIRST = 5; // the entries shown at first
/** The changes of a client by day, newest first. An earlier value can be put into the form, if the client is not deleted. */
export function historyOf({ versions, meta }, id, client = null) {
  let [all, hasMore, limit] = [versions, meta?.hasMore, FIRST];
  const entries = el("div.history");
  const more = button(TEXT.older, async () => {
    if (limit >= all.length) {
      const page = await readHistory(id, new AbortController().signal, all.at(-1).version);
      [all, hasMore] = [[...all, ...page.versions], page.meta.hasMore];
    }
    limit += 20;
    draw();
  }, "quiet");
  const draw = () => {
    const days = Map.groupBy(all.slice(0, limit), ({ at }) => showDay(at));
    entries.replaceChildren(...[...days].flatMap(([day, several]) =>
      [el("h3", day), el("ol", several.map((version) => entry(version, client)))]));
    more.hidden = limit >= all.length && !hasMore;
  };
  draw();
  return el("section.card", el("h2", TEXT.history), entries, more);
}

const entry = (version, client) => el("li", TEXT.actions[version.action], changesIn(version, client),
  el("div.hint", version.by ? person(version.by) : TEXT.operator, ` · ${showHour(version.at)}`));

function changesIn({ changes }, client) {
  const [before, after] = ["from", "to"].map((side) =>
    flatten(Object.fromEntries(changes.map((change) => [change.field, change[side]]))));
  return FIELDS.filter(({ name }) => !same(before[name], after[name])).map((field) => {
    const [from, to] = [before, after].map((values) => values[field.name] ?? null);
    const text = inputText(field.kind === "user" ? shortName(owner(from)) : from);
    const name = `${TEXT.use}: ${field.label}, ${text.slice(0, 60)}`;
    const use = client && isEditable(field) && !isUnset(from) && !same(from, flatten(client)[field.name])
      ? button(TEXT.use, () => edit(flatten(client), field.name, from), "", name) : null;
    const old = field.kind === "lines" && to?.endsWith(from ?? "") ? from ?? "" : null; // notes with one put before them
    const change = old === null ? [shown(field, from, false), " → ", shown(field, to, false)]
      : ["+ ", value(to.slice(0, to.length - old.length).trim())];
    return el("div", el("span.hint", `${field.label}: `), change, use);
  });
}

/** Open the form of a client with another value for a field, which is marked there. */
function edit(client, name, given) {
  const draft = readDraft(client.id) ?? { id: client.id, base: client, values: client };
  writeDraft({ ...draft, values: { ...draft.values, [name]: given }, marked: name });
  say("");
  go(`#/client/${client.id}/edit`);
}

/** Restore a client and show the view again. Another window may have restored it already. */
export async function restore(id) {
  const { signal } = new AbortController(); // leaving the view does not stop it
  try {
    const client = await call("POST", `v1/clients/${id}/restore`, { signal }).catch((error) => {
      if (error.status !== 409) throw error;
    });
    Object.assign(state.place, { id, scroll: scrollY });
    await state.render();
    say(TEXT.restored, client && link(TEXT.open(isolate(fullName(client))), `#/client/${id}`));
  } catch (error) {
    state.showFailure(error, signal);
  }
}

/** A deleted client as the list of deleted clients has it: there is no request for one of them. */
async function findDeleted(id, signal) {
  const isIt = (client) => client.id === id;
  const listed = state.place.clients.find(isIt);
  if (listed) return listed;
  const { clients } = await call("GET", "v1/clients?deleted=true&limit=100", { signal });
  return clients.find(isIt);
}

/** A client that this person cannot find: who deleted it, its facts, and a button that restores it. Input is kept. */
export async function goneView(id, signal) {
  const history = await readHistory(id, signal).catch(() => ({ versions: [] }));
  const [last] = history.versions;
  const client = last && await findDeleted(id, signal).catch(() => null);
  if (signal.aborted) return null;
  if (last && last.action !== "deleted") {
    state.place.clients = state.place.clients.filter((one) => one.id !== id);
    return state.render(); // restored meanwhile
  }
  const form = `#/client/${id}/edit`;
  const openForm = () => (location.hash === form ? state.render() : go(form));
  return show(client ? fullName(client) : last ? TEXT.deletedOne : TEXT.notFound, {
    back: state.list ?? "#/", actions: last && button(TEXT.restore, () => restore(id), "main"),
  }, el("p", last ? TEXT.deletedBy(signature(last)) : TEXT.gone),
  draftNote(...(readDraft(id) ? [button(TEXT.backToForm, openForm)] : [])),
  el("div.columns", client ? factsOf(client) : null, last ? historyOf(history, id) : null));
}
