// The people of the agency and their keys. An agent sees their own keys.

import { TEXT, label } from "./text.mjs";
import { explain, showNumber, showTime } from "./values.mjs";
import { ask, badge, button, dialog, el, say, select, show, value } from "./dom.mjs";
import { BASE, call, state } from "./requests.mjs";

const ROLES = ["agent", "broker"];
const NEEDED = { broker: ["users:write", "keys:read", "keys:write"], agent: ["keys:read", "keys:write"] };

export async function peopleView(_, signal) {
  const [{ users }, { keys, lacking }] =
    await Promise.all([call("GET", "v1/users?disabled=true", { signal }), loadKeys(signal)]);
  state.users = new Map(users.map((user) => [user.id, user]));
  const isBroker = state.me.role === "broker";
  const [mayChange, mayMakeKeys] = [isBroker && !lacking.includes("users:write"), !lacking.includes("keys:write")];
  const card = (user) => {
    const failed = (error) => state.showFailure(error, signal);
    const action = (text, run) => button(text, () => run(user, signal)?.catch(failed), "", `${text}: ${user.email}`);
    const [live, over] = [false, true].map((wanted) =>
      keys.filter((key) => key.user_id === user.id && isOver(key) === wanted).map((key) => keyRow(key, mayMakeKeys, signal)));
    return el("section.card", el("div.heading", el("h2", value(user.email)), badge(user.role),
      user.disabled ? badge("disabled") : null, el("div.actions", [
        mayChange && action(TEXT.edit, edit), isBroker && action(TEXT.handOver, handOver),
        mayMakeKeys && !user.disabled && action(TEXT.newLink, invite),
        mayChange && action(user.disabled ? TEXT.enable : TEXT.disable, toggle),
      ].filter(Boolean))),
    el("ul.keys", live), over.length ? el("details", el("summary", TEXT.overKeys), el("ul.keys", over)) : null);
  };
  show(isBroker ? TEXT.people : TEXT.myKeys, {
    back: state.list ?? "#/", actions: mayChange && mayMakeKeys ? button(TEXT.addPerson, () => add(signal), "main") : null,
  }, el("p.note", lacking.length ? TEXT.lacking(lacking.join(", ")) : ""), users.map(card));
}

/** The keys that this person can see, and which rights the key of this page lacks for the view. A key that may not
 *  read keys cannot tell; a user of the embedding app has no key and all rights. */
async function loadKeys(signal) {
  const needed = NEEDED[state.me.role];
  try {
    const { keys } = await call("GET", "v1/keys", { signal });
    const scopes = keys.find(isMine)?.scopes ?? { all: ["read", "write"] };
    const allows = ([resource, action]) => [resource, "all"].some((name) => scopes[name]?.includes(action));
    return { keys, lacking: needed.filter((right) => !allows(right.split(":"))) };
  } catch (error) {
    if (error.code !== "INSUFFICIENT_SCOPE") throw error;
    return { keys: [], lacking: needed.filter((right) => right.startsWith("keys")) };
  }
}
const isMine = ({ preview }) => Boolean(state.key) && preview === `${state.key.slice(0, 8)}…${state.key.slice(-4)}`;
const isOver = (key) => key.revoked_at !== null || (key.expires_at !== null && new Date(key.expires_at) <= new Date());

function keyRow(key, mayRevoke, signal) {
  const name = key.name ?? TEXT.namelessKey;
  const facts = Object.entries(TEXT.keyFacts).map(([field, fact]) => fact(key[field] && showTime(key[field])));
  const rights = Object.entries(key.scopes).map(([resource, actions]) => `${resource}: ${actions.join(", ")}`);
  const revoke = () => askFor(TEXT.revokeTitle(name), el("p", isMine(key) ? TEXT.revokeMine : TEXT.revokeHint), () => TEXT.revoke,
    () => call("DELETE", `v1/keys/${key.id}`, { signal }).then(() => TEXT.keyRevoked), signal);
  return el("li", el("div", el("strong", value(name)), " ", el("code", key.preview), isMine(key) ? el("span.badge", TEXT.thisKey) : null,
    el("div.hint", [...facts, ...rights].filter(Boolean).join(" · "))),
  mayRevoke && !isOver(key) ? button(TEXT.revoke, revoke, "danger", `${TEXT.revoke}: ${name} ${key.preview}`) : null);
}

/** Do ``work``, draw the view again, and show what it returns: a text, or a function that shows more. */
async function act(work, signal, fail = say) {
  try {
    const done = await work();
    dialog.close();
    await state.render();
    if (typeof done === "string") say(done);
    else done();
  } catch (error) {
    if (!signal.aborted) fail(explain(error));
  }
}

/** Ask in a dialog before ``work``, which gets the values of the inputs. ``action`` is the button's text for them. */
function askFor(title, content, action, work, signal) {
  const problem = el("p.problem", { role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    form.inert = true;
    await act(() => work(read()), signal, (text) => { problem.textContent = text; });
    form.inert = false;
  };
  const confirm = el("button.main");
  const form = el("form", { submit, input: () => { confirm.textContent = action(read()); } }, content, problem,
    el("div.actions", confirm, button(TEXT.cancel, () => dialog.close())));
  const read = () => Object.fromEntries(new FormData(form));
  confirm.textContent = action(read());
  ask(title, form);
}

const inputs = ({ email = "", role = "agent" }) => {
  const roles = select({ name: "role" }, ROLES.map((name) => [name, TEXT.roles[name]]));
  roles.value = role;
  return el("div.fields", el("label.field", label("email"), el("input", { type: "email", name: "email", value: email, required: true })),
    el("label.field", TEXT.role, roles));
};

function add(signal) {
  askFor(TEXT.addPerson, inputs({}), () => TEXT.addPerson, async (body) => {
    const user = await call("POST", "v1/users", { body, signal });
    return makeLink(user, signal);
  }, signal);
}

function edit(user, signal) {
  askFor(user.email, inputs(user), () => TEXT.save, (body) => change(user, body, signal), signal);
}

async function change(user, body, signal) {
  await call("PUT", `v1/users/${user.id}`, { body, signal });
  return user.id === state.me.id ? () => location.reload() : TEXT.saved;
}

function toggle(user, signal) {
  const work = () => change(user, { disabled: !user.disabled }, signal);
  if (user.disabled) return act(work, signal);
  return askFor(TEXT.disableTitle(user.email), el("p", TEXT.disableHint), () => TEXT.disable, work, signal);
}

const invite = (user, signal) => act(() => makeLink(user, signal), signal);

/** Make a key for the web UI, with the rights of this page's own key. The link with it is shown once. */
async function makeLink(user, signal) {
  const { key } = await call("POST", "v1/keys", { body: { user_id: user.id, name: TEXT.title }, signal });
  const link = el("input", { readonly: true, value: `${BASE.href}#key=${key}`, "aria-label": TEXT.newLink });
  const said = el("span.hint", { role: "status" });
  const copy = () => {
    link.select();
    if (document.execCommand("copy")) said.textContent = TEXT.linkCopied; // navigator.clipboard is there with https alone
  };
  return () => ask(TEXT.linkTitle(user.email), el("p", TEXT.linkHint), link,
    el("div.actions", button(TEXT.copyLink, copy, "main"), button(TEXT.close, () => dialog.close()), said));
}

/** Give all clients of a person to another one, after a question that names both and the number. */
async function handOver(user, signal) {
  const { meta } = await call("GET", `v1/clients?user_id=${user.id}&limit=1`, { signal });
  if (!meta.total) return say(TEXT.noClients(user.email));
  const clients = TEXT.total(meta.total, showNumber(meta.total));
  const others = [...state.users.values()].filter(({ id, disabled }) => id !== user.id && !disabled);
  const to = select({ name: "to", required: true }, [["", TEXT.choose], ...others.map(({ id, email }) => [id, email])]);
  return askFor(TEXT.handOverTitle(clients, user.email), el("label.field", TEXT.newOwner, to),
    (chosen) => TEXT.handOverTo(clients, state.users.get(chosen.to)?.email), async (body) => {
      await call("POST", `v1/users/${user.id}/handover`, { body, signal });
      return TEXT.handedOver(user.email, state.users.get(body.to).email);
    }, signal);
}
