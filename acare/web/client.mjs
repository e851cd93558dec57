// A client: its status, notes and facts.

import { FIELDS, flatten } from "./record.mjs";
import { fullName, label, showBudget } from "./values.mjs";
import { badge, button, currency, el, link, redraw, select, show, value, words } from "./dom.mjs";
import { call, ready } from "./session.mjs";
import { place, remember, results } from "./place.mjs";
import { draftNote } from "./drafts.mjs";
import { remove, restore, showSaved, update } from "./changing.mjs";
import { historyOf, isUnset, readHistory, shown, signature } from "./history.mjs";
import { notesOf } from "./notes.mjs";

/** A client is drawn at once if the list has it, and again if it has changed meanwhile. */
export async function clientView({ id }, signal) {
  const known = [place.latest, ...results.clients].find((client) => client?.id === id);
  const past = el("div.past");
  let version = null; // the one that is shown
  const draw = (client) => {
    ({ version } = client);
    remember(client);
    drawClient(client, past, signal);
  };
  if (known && !known.deletedAt) draw(known);
  place.refresh = async () => {
    const headers = version ? { "If-None-Match": `"${version}"` } : {};
    const [client, history] = await Promise.all([
      call("GET", `v1/clients/${id}`, { headers, signal }),
      readHistory(id, signal),
      ready(signal),
    ]);
    if (client && version) redraw(() => draw(client));
    else if (client) draw(client);
    if (client || !past.hasChildNodes())
      past.replaceChildren(historyOf(id, history, client ?? known));
  };
  await place.refresh();
}

function drawClient(client, past, signal) {
  show(
    fullName(client),
    {
      back: place.list ?? "#/",
      badges: [badge(client.client_type), statusOf(client)],
      actions: [
        link("Edit", `#/client/${client.id}/edit`, "button main"),
        button("Delete", () => remove(client, signal), "danger"),
      ],
    },
    draftNote(client.id),
    el("div.columns", el("div", notesOf(client), factsOf(client)), past),
  );
}

/** A client that this person cannot find: who deleted it, its facts, and a button that restores it.
 *  */
export async function goneView(id, signal) {
  const history = await readHistory(id, signal).catch(() => ({ versions: [] }));
  const [last] = history.versions;
  if (last && last.action !== "deleted") return place.render(); // restored meanwhile
  // there is no request for one
  const { clients } = await call("GET", "v1/clients?deleted=true&limit=100", { signal });
  const client = last && [...results.clients, ...clients].find((one) => one.id === id);
  return show(
    client ? fullName(client) : "Client not found",
    {
      back: place.list ?? "#/",
      actions: last && button("Restore", () => restore(id), "main"),
    },
    el(
      "p",
      last
        ? `Deleted by ${signature(last.by, last.at)}`
        : "It was deleted, or it now belongs to someone else.",
    ),
    draftNote(id),
    el("div.columns", client && factsOf(client), last && historyOf(id, history)),
  );
}

function statusOf(client) {
  const change = ({ target }) =>
    update(client, (newest) =>
      newest.status === target.value ? null : { status: target.value },
    ).then(showSaved, (error) => {
      target.value = client.status;
      throw error;
    });
  return select(
    {
      id: "status",
      class: `badge ${client.status}`,
      "aria-label": "Status",
      value: client.status,
      change,
    },
    words(FIELDS.find(({ name }) => name === "status")),
  );
}

// on the page of a client
const ELSEWHERE = ["first_name", "last_name", "client_type", "status", "notes", "budget_max"];
/** The facts that are known, since blanks and the default of a flag would hide them; each detail is
 *  one. */
function factsOf(client) {
  const values = flatten(client);
  const fact = (field, given) =>
    el("div", { class: field.kind }, el("dt", value(field.label)), el("dd", shown(field, given)));
  return el(
    "section.card.facts",
    el("h2", "Details"),
    el(
      "dl",
      FIELDS.flatMap((field) => {
        const isBudget = field.name === "budget_min"; // with the maximum
        const given = isBudget ? showBudget(client, currency) : values[field.name];
        if (ELSEWHERE.includes(field.name) || isUnset(given) || given === false) return [];
        if (field.kind !== "details")
          return [fact(isBudget ? { label: label("budget") } : field, given)];
        return Object.entries(given).map(([name, detail]) => fact({ label: label(name) }, detail));
      }),
    ),
  );
}
