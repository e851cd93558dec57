// The page: a client of the public API. This module knows which view an address shows.

import { TEXT } from "./text.mjs";
import { explain, readRoute } from "./values.mjs";
import { agency, badge, button, dialog, el, find, link, say, show } from "./dom.mjs";
import { call, person, ready, state } from "./requests.mjs";
import { askForKey, followLink, hasLink, signOut, takeKeyFromAddress } from "./signin.mjs";
import { clientView } from "./client.mjs";
import { formView } from "./form.mjs";
import { goneView } from "./history.mjs";
import { showKeys } from "./keys.mjs";
import { listView } from "./list.mjs";
import { peopleView } from "./people.mjs";

const VIEWS = { list: listView, client: clientView, edit: formView, new: formView, people: peopleView };
let current = null; // the view that is shown or loaded: its route, and how to abort it

async function render() {
  current?.abort();
  const route = readRoute(location.hash);
  noteAddress(route);
  current = Object.assign(new AbortController(), { route });
  const { signal } = current;
  state.refresh = null;
  if (state.me) dialog.close(); // a link in it may have been followed
  try {
    state.ready ??= start().catch((error) => { state.ready = null; throw error; });
    if (hasLink()) await ready(signal);
    await VIEWS[route.view](route, signal);
  } catch (error) {
    showFailure(error, signal);
  }
}

/** Note the address before this one, and the place in the list that is left. */
function noteAddress({ id }) {
  const address = location.hash || "#/";
  if (address === state.address) return;
  if (current?.route.view === "list") state.place.scroll = scrollY;
  if (id) state.place.id = id;
  Object.assign(state, { previous: state.address, address });
}

function showFailure(error, signal) {
  if (signal.aborted) return;
  say("");
  const back = state.list ?? "#/";
  if (error.status === 404) return goneView(current.route.id, signal);
  show(TEXT.failed, { back }, el("p", { role: "alert" }, explain(error)),
    el("div.actions", button(TEXT.reload, render, "main")));
}

/** Sign in, load what all views need, and show who is signed in. */
async function start() {
  const { signal } = new AbortController(); // another view that is opened meanwhile needs it too
  if (hasLink()) await followLink(signal);
  const [me, { users }] = await Promise.all([
    call("GET", "v1/users/me", { signal }), call("GET", "v1/users?disabled=true", { signal })]);
  Object.assign(state, { me, users: new Map(users.map((user) => [user.id, user])) });
  find("#top nav").append(...[agency && el("strong.agency", agency), link(TEXT.title, "#/"),
    link(me.role === "broker" ? TEXT.people : TEXT.myKeys, "#/people")].filter(Boolean));
  find("#who").append(person(me.email), badge(me.role), state.key ? button(TEXT.signOut, signOut, "quiet") : "");
  find("#foot").append(button(TEXT.keyboard, showKeys, "quiet"));
}

/** Load the view again when the person comes back to this window. */
function refresh() {
  const { signal } = current;
  if (!dialog.open) state.refresh?.().catch((error) => showFailure(error, signal));
}

Object.assign(state, { askForKey, render, showFailure });
history.scrollRestoration = "manual"; // the list does it, after its rows are drawn
takeKeyFromAddress();
addEventListener("hashchange", () => (takeKeyFromAddress() ? location.reload() : render()));
addEventListener("focus", refresh);
render();
