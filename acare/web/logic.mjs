// The text and computations of the page, independent of the document, so that Node can test them (tests/web).

/** All English text. Functions take the values that a sentence contains. */
export const TEXT = {
  // signing in, the frame
  title: "Clients", api: "API", skip: "Skip to content", back: "← All clients", key: "API key", signIn: "Sign in",
  signOut: "Sign out", remember: "Stay signed in on this browser", wrongKey: "The server does not accept this key.",
  signInHint: "A key has 64 characters. Your administrator creates it with “acare key create”.",
  expired: "Your key is no longer valid. Sign in again to continue. What you typed is kept.",
  tryAgain: "Try again without a key",
  // the list
  search: "Search", searchHint: "Name, e-mail or phone", perPage: "Per page", all: "All", clear: "Clear filters",
  total: (clients, shown) => `${shown} ${clients === 1 ? "client" : "clients"}`, create: "New client",
  pageOf: (page, pages) => `Page ${page} of ${pages}`, pages: "Pages", previous: "Previous", next: "Next",
  none: "No clients yet", noneHint: "Clients that you add appear here.", firstPage: "Go to the first page",
  noMatch: "No clients found", noMatchHint: "Check the spelling, or clear the filters.",
  pastEnd: "This page is empty", pastEndHint: "The list is shorter than it was.",
  range: { both: (low, high) => `${low} – ${high}`, low: (low) => `from ${low}`, high: (high) => `up to ${high}` },
  // a client and its form
  edit: "Edit", editing: (name) => `Edit ${name}`, save: "Save", saving: "Saving…", discard: "Discard changes",
  saved: "Saved.", created: "Created.", draft: "You have unsaved changes.", yes: "Yes", no: "No", unset: "–",
  problems: "The client was not saved. Correct the marked fields.", required: "required",
  addItem: "Type and press Enter", removeItem: (item) => `Remove ${item}`, remove: "Delete", cancel: "Cancel",
  removeTitle: (name) => `Delete ${name}?`, removeHint: "This deletes the client for everyone and cannot be undone.",
  removeStale: "Not deleted: someone changed this client after you opened it. Check it before you delete it.",
  removed: (name) => `${name} was deleted.`, recreate: "Create it again with your entries",
  notFound: "Client not found", gone: "It was deleted, or it now belongs to someone else.",
  reused: "An earlier attempt may have created this client. Look at the list before you save again.",
  // a conflict
  conflict: "Someone else changed this client", field: "Field", before: "Before", mine: "You", theirs: "Other person",
  conflictHint: (time) => `was saved by someone else while you were editing (${time}). No changes are lost.`,
  mergeHint: "You changed different fields, so both changes can be kept.", saveBoth: "Save both changes",
  chooseHint: "For each field that both of you changed, choose the value to keep.", saveChoice: "Save these choices",
  unchangedBy: "not changed", keep: { mine: "your value", theirs: "their value" }, backToForm: "Back to the form",
  // limits and failures
  remaining: (left, time) => `${left} ${left === "1" ? "request" : "requests"} left. The limit resets in ${time}.`,
  waits: { limit: "Too many requests.", server: "The server is not responding.", busy: "The server is busy." },
  retrying: (time) => `Retrying in ${time}.`, stop: "Stop", stopped: "Stopped. What you typed is kept.",
  failed: "That did not work", reload: "Try again", reference: (id) => `Reference for your administrator: ${id}`,
  // for programmers
  apiHint: "Programs can make the same calls as this page. Replace YOUR_API_KEY and CLIENT_ID.",
  document: "OpenAPI document", calls: "Calls", operations: "Operations", fields: "Fields of a client",
  parameters: "Parameters", answers: "Responses", copy: "Copy", copied: "Copied.",
  labels: {
    first_name: "First name", last_name: "Last name", name: "Name", email: "E-mail", phone: "Phone",
    client_type: "Type", status: "Status", budget: "Budget", budget_min: "Minimum budget", budget_max: "Maximum budget",
    preferred_locations: "Preferred locations", property_preferences: "Property", bedrooms_min: "Minimum bedrooms",
    bathrooms_min: "Minimum bathrooms", square_feet_min: "Minimum square feet", property_types: "Property types",
    pre_approved: "Pre-approved", pre_approval_amount: "Pre-approved amount", user_id: "Owner", id: "ID",
    created_at: "Created", updated_at: "Changed",
  },
};

const KEY = "-H 'X-API-Key: YOUR_API_KEY'";
const SENDING = `${KEY} -H 'Content-Type: application/json'`;
/** A call for each operation: the path and the options of curl. */
export const CALLS = {
  List: ["v1/clients?status=active&limit=5", KEY],
  Create: ["v1/clients", `${SENDING} -d '{"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"}'`],
  Get: ["v1/clients/CLIENT_ID", KEY],
  Update: ["v1/clients/CLIENT_ID", `-X PUT ${SENDING} -d '{"status": "closed", "version": 1}'`],
  Delete: ["v1/clients/CLIENT_ID", `-X DELETE ${KEY}`],
};

/** A member of a record, or null; a client may have a member "constructor". */
export const valueOf = (record, name) => (Object.hasOwn(record ?? {}, name) ? record[name] : null);
/** The label of a field or the word for a value; names that TEXT does not have become readable. */
export const label = (name) =>
  valueOf(TEXT.labels, name) ?? (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll("_", " ");
/** A text of the server with the names of fields replaced by their labels. */
export const plain = (text) =>
  text.replaceAll("`", "").replace(/\b[a-z]+(?:_[a-z]+)+\b/g, (name) => valueOf(TEXT.labels, name) ?? name);
/** A description for people, without the parts that are for programs or only repeat the label. */
const hintOf = (description, name) => plain(description).split(/(?<=[.;]) /)
  .filter((part) => !/JSON|null|keys|blank/.test(part) && part !== `${label(name)}.`).join(" ").replace(/;$/, ".");

// --- addresses: the fragment names everything that the page shows, and is not sent to the server
const DEFAULTS = { q: "", client_type: "", status: "", user_id: "", page: "1", limit: "25" };
/** The view that a fragment names: {view, id, query}. */
export function readRoute(fragment) {
  const [path, search = ""] = fragment.replace(/^#?\/?/, "").split("?");
  const [first, id = "", last] = path.split("/");
  const sent = new URLSearchParams(search);
  const query = Object.fromEntries(Object.entries(DEFAULTS).map(([name, unset]) => [name, sent.get(name) || unset]));
  for (const name of ["page", "limit"]) if (!/^[1-9][0-9]{0,8}$/.test(query[name])) query[name] = DEFAULTS[name];
  if (first === "client" && /^[\w-]+$/.test(id)) return { view: last === "edit" ? "edit" : "client", id, query };
  return { view: ["new", "api"].includes(first) ? first : "list", id: null, query };
}
/** The query of a list as text, without default values. */
export const writeQuery = (query) =>
  String(new URLSearchParams(Object.entries(query).filter(([name, value]) => value && value !== DEFAULTS[name])));
export const listAddress = (query) => `#/${writeQuery(query) && `?${writeQuery(query)}`}`;

// --- fields, out of the OpenAPI document
/** A part of the document, with references and "or null" resolved. */
export function resolve(document, part) {
  const { $ref, anyOf, ...rest } = part;
  const target = $ref?.slice(2).split("/").reduce((node, name) => node[name], document)
    ?? anyOf?.find((option) => option.type !== "null");
  return target ? { ...resolve(document, target), ...rest } : part;
}

const KINDS = { boolean: "flag", number: "number", array: "list", object: "group" };
function kindOf({ type, maxLength, enum: words }) {
  const known = [type].flat().find((name) => KINDS[name]);
  if (words || known) return words ? "choice" : KINDS[known];
  return maxLength > 1000 ? "lines" : "text"; // a long text may have line breaks
}

/** The fields that a person may fill in: [{name, label, description, hint, kind, required, options, fields}]. */
export function fieldsOf(document, { properties = {}, required = [] } = document.components.schemas.ClientInput) {
  return Object.entries(properties).map(([name, given]) => {
    const rule = resolve(document, given);
    const { description = "", enum: options = [] } = rule;
    return { name, label: label(name), description, hint: hintOf(description, name), options, kind: kindOf(rule),
      required: required.includes(name), fields: fieldsOf(document, rule) };
  });
}

/** The fields in a group that the document does not know and one of the records has. */
export const unknownFields = ({ fields }, ...records) =>
  [...new Set(records.flatMap((record) => Object.keys(record ?? {})))]
    .filter((name) => !fields.some((field) => field.name === name))
    .map((name) => ({ name, label: label(name), kind: "text", fields: [] }));

/** The values of the fields in a form: {name: value}. Fields that were not edited keep the values that were given. */
export const readFields = (fields, form, given, prefix = "") => Object.fromEntries(fields.map((field) =>
  [field.name, readField(field, form, valueOf(given, field.name), prefix + field.name)]));

function readField(field, form, given, name) {
  if (field.kind === "flag") return form.has(name) || (given && false);
  if (field.kind === "list") {
    const items = [...form.getAll(name), form.get(`${name}+`).trim()].filter(Boolean);
    return given || items.length ? items : null;
  }
  if (field.kind === "group") {
    const kept = unknownFields(field, given).map((member) => [member.name, given[member.name]]);
    const read = Object.entries(readFields(field.fields, form, given, `${name}-`)).filter((pair) => pair[1] !== null);
    return given || read.length ? Object.fromEntries([...kept, ...read]) : null;
  }
  const text = form.get(name);
  if (text === showNumber(given).replace(/\r\n?/g, "\n")) return given;
  return field.kind === "number" ? readNumber(text) : text.trim() || (field.required ? "" : null);
}

// --- merging changes
/** Whether two values are the same JSON; absent is null, and the order of members does not count. */
export const same = (a, b) => canonical(a) === canonical(b);
const canonical = (value) => JSON.stringify(value ?? null, (_, part) => {
  if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
  const names = Object.keys(part).filter((name) => part[name] !== null).sort();
  return Object.fromEntries(names.map((name) => [name, part[name]]));
});

/** The values that differ between three states of a client: [{path, field, base, mine, theirs, kind}]. A group has
 *  one for each of its members. ``kind`` says who changed it: "mine", "theirs", "same" (both, alike) or "conflict". */
export function merge(fields, ...states) {
  return fields.flatMap((field) => {
    const values = states.map((state) => valueOf(state, field.name));
    if (field.kind === "group") {
      return merge([...field.fields, ...unknownFields(field, ...values)], ...values)
        .map((row) => ({ ...row, path: [field.name, ...row.path] }));
    }
    const [base, mine, theirs] = values;
    const [byMe, byThem] = [!same(base, mine), !same(base, theirs)];
    if (!byMe && !byThem) return [];
    const kind = !byThem ? "mine" : !byMe ? "theirs" : same(mine, theirs) ? "same" : "conflict";
    return [{ path: [field.name], field, base, mine, theirs, kind }];
  });
}

/** The client with both persons' changes; ``choices`` has "mine" or "theirs" for each conflict, by path. */
export function combine(theirs, rows, choices) {
  const result = structuredClone(theirs);
  for (const { path, mine, kind } of rows) {
    if (kind !== "mine" && !(kind === "conflict" && choices[path.join(".")] === "mine")) continue;
    const [name, member] = path;
    if (member === undefined) result[name] = mine;
    else if (mine === null) delete result[name][member];
    else result[name] = { ...result[name], [member]: mine };
  }
  return result;
}

/** The body of an update: the fields that differ. */
export const changes = (fields, base, values) =>
  Object.fromEntries(fields.map(({ name }) => [name, values[name]]).filter(([name, mine]) => !same(base[name], mine)));

// --- numbers and times, in the format of the browser's locale
const formatOf = (locale) => new Intl.NumberFormat(locale, { numberingSystem: "latn", maximumFractionDigits: 20 });
export const showNumber = (value, locale) =>
  typeof value === "number" ? formatOf(locale).format(value) : String(value ?? "");

/** The number in a text; the text itself if it is not a number, so that the server reports the problem. */
export function readNumber(text, locale) {
  if (!text.trim()) return null;
  const parts = formatOf(locale).formatToParts(1234567.5);
  const [group, decimal] = ["group", "decimal"].map((type) => parts.find((part) => part.type === type)?.value ?? "");
  const between = /^\s?$/.test(group) ? "" : `[${group}]`; // white space between digits is ignored anyway
  const written = text.replace(/\s/g, "").replaceAll("’", "'");
  const grouped = new RegExp(`^(\\d{1,3}(?:${between}\\d{2,3})*${between}\\d{3})(?:[${decimal}](\\d+))?$`);
  const simple = new RegExp(`^(\\d+)(?:[.${decimal}](\\d+))?$`);
  const match = (between && written.match(grouped)) || written.match(simple);
  return match ? Number(`${match[1].replace(/\D/g, "")}.${match[2] ?? 0}`) : text.trim();
}

export function showBudget({ budget_min: low, budget_max: high }, locale) {
  const [from, to] = [low, high].map((value) => showNumber(value, locale));
  if (low !== null && high !== null) return low === high ? from : TEXT.range.both(from, to);
  return low !== null ? TEXT.range.low(from) : high !== null ? TEXT.range.high(to) : "";
}

/** A time in the reader's zone: the hour if it is today, else the date; ``long`` has both. */
export function showTime(iso, { locale, timeZone, now = new Date(), long = false } = {}) {
  const format = (styles, at = new Date(iso)) => new Intl.DateTimeFormat(locale, { ...styles, timeZone }).format(at);
  const [date, hour] = [{ dateStyle: "medium" }, { timeStyle: "short" }];
  if (long) return format({ ...date, ...hour });
  return format(date) === format(date, now) ? format(hour) : format(date);
}
/** Seconds as m:ss. */
export const showSeconds = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
/** Text that cannot change the direction of the text around it, where no element can isolate it. */
export const isolate = (text) => `\u2068${text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "")}\u2069`;
export const fullName = ({ first_name: first, last_name: last }) => `${first} ${last}`;
