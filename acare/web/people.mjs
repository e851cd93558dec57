// The people of the agency and their keys. An agent sees their own keys.

import { TEXT, label } from "./text.mjs";
import { explain, showNumber, showTime } from "./values.mjs";
import { ask, badge, button, dialog, el, say, select, show, value } from "./dom.mjs";
import { BASE, call, owner, people, state } from "./requests.mjs";

const isMine = ({ preview }) => Boolean(state.key) && preview === `${state.key.slice(0, 8)}…${state.key.slice(-4)}`;
const isValid = (key) => key.revoked_at === null && (key.expires_at === null || new Date(key.expires_at) > new Date());

/** The scopes of the key of a web form. */
const FORM_SCOPES = { clients: ["create"] };

export async function peopleView(_, signal) {
  const { users } = await call("GET", "v1/users?disabled=true", { signal });
  const { keys } = await call("GET", "v1/keys", { signal });
  state.users = new Map(users.map((user) => [user.id, user]));
  const isBroker = state.me.role === "broker";
  const card = (user) => {
    const failed = (error) => state.showFailure(error, signal);
    const action = (text, run) => button(text, () => run(user, signal)?.catch(failed), "quiet", `${text}: ${user.email}`);
    const own = keys.filter((key) => key.user_id === user.id && isValid(key));
    return el("section.card", el("div.heading", el("h2", value(user.email)), badge(user.role),
      user.disabled ? badge("disabled") : null,
      el("div.actions", isBroker ? [action(TEXT.edit, edit), action(TEXT.handOver, handOver)] : null,
        user.disabled ? null : action(user.id === state.me.id ? TEXT.ownLink : TEXT.newLink, invite),
        user.id === state.me.id ? action(TEXT.formKey, makeFormKey) : null)),
    own.length ? el("ul.keys", own.map((key) => keyRow(key, signal))) : el("div.hint", TEXT.noKeys));
  };
  const add = isBroker ? button(TEXT.addPerson, () => addPerson(signal), "main") : null;
  show(isBroker ? TEXT.people : TEXT.myKeys, { actions: add },
    el("p.hint", TEXT.keysHint), el("div.groups", users.map(card)));
}

function keyRow(key, signal) {
  const name = key.name ?? "";
  const facts = TEXT.keyFacts(showTime(key.created_at), key.last_used_at && showTime(key.last_used_at));
  const onlyCreates = JSON.stringify(key.scopes) === JSON.stringify(FORM_SCOPES);
  const revoke = () => askFor(TEXT.revokeTitle(name || key.preview), el("p", TEXT.revokeHint), TEXT.revoke,
    () => call("DELETE", `v1/keys/${key.id}`, { signal }).then(() => () => say(TEXT.keyRevoked)), signal);
  return el("li", el("div", el("strong", value(name)), " ", el("code", key.preview), " ",
    isMine(key) ? el("span.badge", TEXT.thisKey) : null, onlyCreates ? el("span.badge", TEXT.onlyCreates) : null, el("div.hint", facts)),
  button(TEXT.revoke, revoke, "danger quiet", `${TEXT.revoke}: ${name} ${key.preview}`));
}

/** Ask in a dialog before ``work``, which gets the values of the inputs. The view is then drawn again, and the
 *  function that ``work`` returns shows the result. */
function askFor(title, content, action, work, signal) {
  const problem = el("p.problem", { role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    form.inert = true; // nothing is sent twice
    try {
      const showResult = await work(Object.fromEntries(new FormData(form)));
      dialog.close();
      await state.render();
      showResult();
    } catch (error) {
      problem.textContent = signal.aborted ? "" : explain(error);
    }
    form.inert = false;
  };
  const form = el("form", { submit }, content, problem,
    el("div.actions", el("button", { class: action === TEXT.revoke ? "danger main" : "main" }, action), button(TEXT.cancel, () => dialog.close())));
  ask(title, form);
}

const field = (text, input) => el("label.field", text, input);
function personFields({ email = "", role = "agent" }, ...others) {
  const roles = select({ name: "role" }, ["agent", "broker"].map((name) => [name, label(name)]));
  roles.value = role;
  const address = el("input", { type: "email", name: "email", value: email, required: true, autocomplete: "off" });
  return el("div.fields", field(label("email"), address), field(TEXT.role, roles), others);
}

const addPerson = (signal) => askFor(TEXT.addPerson, personFields({}), TEXT.addPerson, async (body) =>
  makeLink(await call("POST", "v1/users", { body, signal }), signal), signal);

const invite = (user, signal) => makeLink(user, signal).then((showLink) => state.render().then(showLink));

/** Make a key for the web UI, with the rights of this page's own key. The link with it is shown once. */
async function makeLink(user, signal) {
  const { key } = await call("POST", "v1/keys", { body: { user_id: user.id, name: TEXT.invitation }, signal });
  const [title, hint] = user.id === state.me.id ? [TEXT.ownLink, TEXT.ownLinkHint] : [TEXT.linkTitle(user.email), TEXT.linkHint];
  return () => showSecret(title, hint, `${BASE.href}#key=${key}`, TEXT.newLink, TEXT.copyLink);
}

/** Make a key that can only create clients, which belong to this person. It is shown once. */
async function makeFormKey(_, signal) {
  const body = { name: TEXT.formKeyName, scopes: FORM_SCOPES };
  const { key } = await call("POST", "v1/keys", { body, signal });
  await state.render();
  showSecret(TEXT.formKey, TEXT.formKeyHint, key, TEXT.newKey, TEXT.copyKey);
}

function showSecret(title, hint, secret, name, copyText) {
  const input = el("input", { readonly: true, value: secret, "aria-label": name });
  const copied = el("span.hint", { role: "status" });
  const copy = () => {
    input.select();
    if (document.execCommand("copy")) copied.textContent = TEXT.linkCopied; // navigator.clipboard needs https
  };
  const close = () => { dialog.close(); input.remove(); };
  ask(title, el("p", hint), input,
    el("div.actions", button(copyText, copy, "main"), button(TEXT.close, close), copied));
}

function edit(user, signal) {
  const disabled = el("input", { type: "checkbox", name: "disabled", checked: user.disabled });
  const fields = personFields(user, el("label.check", disabled, TEXT.disabledHint));
  askFor(TEXT.editing(user.email), fields, TEXT.save, async (given) => {
    await call("PUT", `v1/users/${user.id}`, { body: { ...given, disabled: disabled.checked }, signal });
    return () => (user.id === state.me.id ? location.reload() : say(TEXT.saved)); // all views depend on who is signed in
  }, signal);
}

/** Give all clients of a person to another one, after a dialog that names both and the number. */
async function handOver(user, signal) {
  const { meta } = await call("GET", `v1/clients?user_id=${user.id}&limit=1`, { signal });
  if (!meta.total) return say(TEXT.noneToHandOver(user.email));
  const clients = TEXT.total(meta.total, showNumber(meta.total));
  const others = people().filter(([id]) => id !== user.id);
  const to = select({ name: "to", required: true }, [["", TEXT.choose], ...others]);
  return askFor(TEXT.handOverTitle(clients, user.email), [el("p", TEXT.handOverHint), field(TEXT.newOwner, to)], TEXT.handOver, async (body) => {
    await call("POST", `v1/users/${user.id}/handover`, { body, signal });
    return () => say(TEXT.handedOver(user.email, owner(body.to)));
  }, signal);
}
