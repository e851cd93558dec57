// The people of the agency and their keys. An agent sees their own keys.

import { TEXT, label } from "./text.mjs";
import { same } from "./record.mjs";
import { explain, showNumber, showTime } from "./values.mjs";
import { badge, button, copy, dialog, el, openDialog, say, select, show, value } from "./dom.mjs";
import { BASE, call, owner, person, ready, shortName, state } from "./requests.mjs";

const isMine = ({ preview }) => Boolean(state.key) && preview === `${state.key.slice(0, 8)}…${state.key.slice(-4)}`;
const isValid = (key) => key.revoked_at === null && (key.expires_at === null || new Date(key.expires_at) > new Date());
const isUnusedLink = ({ name, last_used_at: used }) => used === null && name?.startsWith(TEXT.invitation());
/** The valid keys that were made with a key, and with those. */
const madeWith = (key, keys) => keys.filter((one) => one.made_with === key.id && isValid(one))
  .flatMap((one) => [one, ...madeWith(one, keys)]);

/** The scopes of the key of a web form. */
const FORM_SCOPES = { clients: ["create"] };
const isForForms = ({ scopes }) => same(scopes, FORM_SCOPES);

export async function peopleView(_, signal) {
  await ready(signal);
  const [{ users }, { keys, problem }] = await Promise.all([
    call("GET", "v1/users?disabled=true", { signal }),
    call("GET", "v1/keys", { signal }).catch((error) => {
      if (error.status !== 403) throw error;
      return { keys: [], problem: error }; // of a key that may see the people alone
    })]);
  state.users = new Map(users.map((user) => [user.id, user]));
  const isBroker = state.me.role === "broker";
  const card = (user) => {
    const failed = (error) => state.showFailure(error, signal);
    const action = (text, run) => button(text, () => run(user, signal)?.catch(failed), "quiet", `${text}: ${user.email}`);
    const own = keys.filter((key) => key.user_id === user.id && isValid(key));
    return el("section.card", el("div.heading", el("h2", person(user.email)), badge(user.role),
      user.disabled ? badge("disabled") : null,
      el("div.actions", isBroker ? [action(TEXT.edit, edit), action(TEXT.handOver, handOver)] : null,
        user.disabled || problem ? null : action(user.id === state.me.id ? TEXT.ownLink : TEXT.newLink, invite),
        user.id === state.me.id && !problem ? action(TEXT.formKey, makeFormKey) : null)),
    own.length ? el("ul.keys", own.map((key) => keyRow(key, keys, signal))) : problem ? null : el("div.hint", TEXT.noKeys));
  };
  const add = isBroker ? button(TEXT.addPerson, () => addPerson(signal), "main") : null;
  show(isBroker ? TEXT.people : TEXT.myKeys, { actions: add },
    el("p.hint", problem ? explain(problem) : TEXT.keysHint), el("div.groups", users.map(card)));
}

function keyRow(key, keys, signal) {
  const name = key.name ?? "";
  const maker = key.made_by === null ? TEXT.operator : key.made_by !== key.email && key.made_by && shortName(key.made_by);
  const facts = TEXT.keyFacts(showTime(key.created_at), maker, key.last_used_at && showTime(key.last_used_at));
  const use = isMine(key) ? TEXT.thisKey : isUnusedLink(key) ? TEXT.unusedLink : isForForms(key) ? TEXT.onlyCreates : null;
  const others = madeWith(key, keys);
  const also = el("label.check", el("input", { type: "checkbox", name: "made", value: "?made=true" }),
    TEXT.alsoRevoke(others.map((one) => `${shortName(one.email)}: ${one.name ?? one.preview}`).join(", ")));
  const revoke = () => askFor(TEXT.revokeTitle(name || key.preview), [el("p", TEXT.revokeHint), others.length ? also : null],
    TEXT.revoke, ({ made = "" }) => call("DELETE", `v1/keys/${key.id}${made}`, { signal }).then(() => () => say(TEXT.keyRevoked)), signal);
  return el("li", el("div", el("strong", value(name)), " ", el("code", key.preview), " ",
    use && el("span.badge", use), el("div.hint", facts)),
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
  openDialog(title, form);
}

const field = (text, input) => el("label.field", text, input);
function personFields({ email = "", role = "agent" }, ...others) {
  const roles = select({ name: "role" }, ["agent", "broker"].map((name) => [name, label(name)]));
  roles.value = role;
  const address = el("input", { type: "email", name: "email", value: email, required: true, autocomplete: "off" });
  return el("div.fields", field(label("email"), address), field(TEXT.role, roles), others);
}

const addPerson = (signal) => askFor(TEXT.addPerson, personFields({}), TEXT.addPerson, async (body) =>
  makeLink(await call("POST", "v1/users", { body, signal }), "", signal), signal);

const invite = (user, signal) => askFor(user.id === state.me.id ? TEXT.ownLink : TEXT.linkTitle(shortName(user.email)),
  field(TEXT.linkName, el("input", { name: "name", maxlength: "80", placeholder: TEXT.linkNameHint, autocomplete: "off" })),
  TEXT.makeLink, ({ name }) => makeLink(user, name.trim(), signal), signal);

/** Make a key for an invitation, with the rights of this page's own key. The link with it is shown once. */
async function makeLink(user, name, signal) {
  const { key } = await call("POST", "v1/keys", { body: { user_id: user.id, name: TEXT.invitation(name) }, signal });
  const [title, hint] = user.id === state.me.id ? [TEXT.ownLink, TEXT.ownLinkHint] : [TEXT.linkTitle(shortName(user.email)), TEXT.linkHint];
  return () => showSecret(title, hint, `${BASE.href}#invite=${key}`, TEXT.newLink, TEXT.copyLink);
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
  const copySecret = () => { copy(secret); copied.textContent = TEXT.copied; };
  const close = () => { dialog.close(); input.remove(); };
  openDialog(title, el("p", hint), input,
    el("div.actions", button(copyText, copySecret, "main"), button(TEXT.close, close), copied));
}

function edit(user, signal) {
  const disabled = el("input", { type: "checkbox", name: "disabled", checked: user.disabled });
  const fields = personFields(user, el("label.check", disabled, TEXT.disabledHint));
  askFor(TEXT.editing(shortName(user.email)), fields, TEXT.save, async (given) => {
    await call("PUT", `v1/users/${user.id}`, { body: { ...given, disabled: disabled.checked }, signal });
    return () => (user.id === state.me.id ? location.reload() : say(TEXT.saved)); // all views depend on who is signed in
  }, signal);
}

/** Give all clients of a person to another one, after a dialog that names both and the number, and can disable them. */
async function handOver(user, signal) {
  const { meta } = await call("GET", `v1/clients?user_id=${user.id}&limit=1`, { signal });
  if (!meta.total) return say(TEXT.noneToHandOver(shortName(user.email)));
  const clients = TEXT.total(meta.total, showNumber(meta.total));
  const others = [...state.users.values()].filter(({ id, disabled }) => id !== user.id && !disabled);
  const to = select({ name: "to", required: true },
    [["", TEXT.choose], ...others.map(({ id, email }) => [id, shortName(email)])]);
  const leaves = el("label.check", el("input", { type: "checkbox", name: "leaves" }), TEXT.disableToo(shortName(user.email)));
  const content = [el("p", TEXT.handOverHint), field(TEXT.newOwner, to), user.disabled ? null : leaves];
  return askFor(TEXT.handOverTitle(clients, shortName(user.email)), content, TEXT.handOver, async (given) => {
    await call("POST", `v1/users/${user.id}/handover`, { body: { to: given.to }, signal });
    if (given.leaves) await call("PUT", `v1/users/${user.id}`, { body: { disabled: true }, signal });
    return () => say(TEXT.handedOver(shortName(user.email), shortName(owner(given.to))));
  }, signal);
}
