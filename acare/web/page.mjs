// The page: a client of the public API. This module knows which view an address shows.

import { TEXT } from "./text.mjs";
import { explain, readRoute } from "./values.mjs";
import { agency, badge, button, el, find, link, say, show } from "./dom.mjs";
import { BASE, call, state } from "./requests.mjs";
import { askForKey, signIn, signOut, takeKeyFromAddress } from "./signin.mjs";
import { clientView } from "./client.mjs";
import { announceDraft } from "./drafts.mjs";
import { formView } from "./form.mjs";
import { goneView } from "./history.mjs";
import { listView } from "./list.mjs";
import { peopleView } from "./people.mjs";

const VIEWS = { list: listView, client: clientView, edit: formView, new: formView, people: peopleView };
let current = null; // the view that is shown or loaded: its route, and how to abort it

async function render() {
  current?.abort();
  find("#wait").hidden = true;
  const route = readRoute(location.hash);
  if (current && current.route.view + current.route.id !== route.view + route.id) announceDraft(current.route);
  current = Object.assign(new AbortController(), { route });
  const { signal } = current;
  try {
    if (!state.me) await start(signal);
    for (const tab of document.querySelectorAll("#top nav a")) {
      tab.ariaCurrent = (tab.hash === "#/people") === (route.view === "people") ? "true" : null;
    }
    await VIEWS[route.view](route, signal);
  } catch (error) {
    showFailure(error, signal);
  }
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
async function start(signal) {
  const me = await signIn(signal);
  const { users } = await call("GET", "v1/users?disabled=true", { signal });
  Object.assign(state, { me, users: new Map(users.map((user) => [user.id, user])) });
  find("#top nav").append(...[agency && el("strong.agency", agency), link(TEXT.title, "#/"),
    link(me.role === "broker" ? TEXT.people : TEXT.myKeys, "#/people")].filter(Boolean));
  find("#who").append(el("bdi", { title: me.email }, me.email), badge(me.role),
    state.key ? button(TEXT.signOut, signOut, "quiet") : "");
  find("#foot").append(link(TEXT.api, new URL("openapi.json", BASE).href));
}

Object.assign(state, { askForKey, render, showFailure });
takeKeyFromAddress();
addEventListener("hashchange", () => (takeKeyFromAddress() ? location.reload() : render()));
render();
