// A client: the notes, the facts and the history, and deleting it.

import { TEXT } from "./text.mjs";
import { fullName, isolate } from "./values.mjs";
import { ask, badge, button, dialog, el, link, redraw, say, show } from "./dom.mjs";
import { call, ready, remember, state } from "./requests.mjs";
import { draftNote, finish, readDraft } from "./drafts.mjs";
import { factsOf } from "./facts.mjs";
import { goneView, historyOf, readHistory, restore, signature } from "./history.mjs";
import { notesOf, statusOf } from "./note.mjs";

/** A client is drawn at once if the list has it, and again if it has changed meanwhile. */
export async function clientView({ id }, signal) {
  const known = state.me && [state.latest, ...state.place.clients].find((client) => client?.id === id);
  if (known?.deletedAt) return goneView(id, signal);
  const past = el("div.past");
  let version = null; // the one that is shown
  const draw = (client) => {
    ({ version } = client);
    remember(client);
    drawClient(client, past, signal);
  };
  if (known) draw(known);
  const load = async () => {
    const headers = version ? { "If-None-Match": `"${version}"` } : {};
    const reading = readHistory(id, signal); // meanwhile
    reading.catch(() => {}); // thrown below
    const [client] = await Promise.all([call("GET", `v1/clients/${id}`, { headers, signal }), ready(signal)]);
    if (client && version) redraw(() => draw(client));
    else if (client) draw(client);
    if (client || !past.hasChildNodes()) past.replaceChildren(historyOf(await reading, id, client ?? known));
  };
  state.refresh = load;
  await load();
}

function drawClient(client, past, signal) {
  const edit = `#/client/${client.id}/edit`;
  show(fullName(client), {
    back: state.list ?? "#/", badges: [badge(client.client_type), statusOf(client)],
    actions: [link(TEXT.edit, edit, "button main"), button(TEXT.remove, () => remove(client, signal), "danger")],
  }, draftNote(...(readDraft(client.id) ? [link(TEXT.resume, edit)] : [])),
  el("div.columns", el("div", notesOf(client), factsOf(client)), past));
}

function remove(client, signal) {
  const name = isolate(fullName(client));
  const confirmed = async () => {
    dialog.close();
    try {
      await call("DELETE", `v1/clients/${client.id}`, { headers: { "If-Match": `"${client.version}"` }, signal });
    } catch (error) {
      if (error.status === 412) return state.render().then(() => say(TEXT.removeStale(signature(error.details))));
      return state.showFailure(error, signal);
    }
    const { place } = state;
    const at = place.clients.findIndex(({ id }) => id === client.id);
    place.clients = place.clients.filter(({ id }) => id !== client.id);
    place.id = place.clients[Math.min(at, place.clients.length - 1)]?.id; // the row that is in its place now
    finish(client.id, TEXT.removed(name), state.list ?? "#/", button(TEXT.undo, () => restore(client.id)), 10);
  };
  ask(TEXT.removeTitle(name), el("p", TEXT.removeHint), el("div.actions",
    button(TEXT.remove, confirmed, "danger main"), button(TEXT.cancel, () => dialog.close())));
}
