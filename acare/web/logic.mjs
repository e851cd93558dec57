// What the page says and computes, without a document, so that Node can test it (tests/web).

/** All English text. Functions take the values that a sentence contains. */
export const TEXT = {
  title: "Clients", api: "API", skip: "Skip to the content", menu: "Menu", pages: "Pages of the list", loading: "Loading…",
  key: "API key", signIn: "Sign in", signOut: "Sign out", remember: "Stay signed in on this browser",
  signInHint: "The key is 64 characters long; your administrator creates it with “acare key create”.",
  expired: "You were signed out: the key is not valid any more. What you typed is kept.",
  wrongKey: "The server does not accept this key.", tryAgain: "Try again",
  search: "Search", searchHint: "Name, e-mail or phone", type: "Type", status: "Status", owner: "Owner",
  all: "All", clear: "Clear filters", perPage: "Per page", create: "New client", previous: "Previous", next: "Next",
  total: (n, words) => `${words(n)} ${n === 1 ? "client" : "clients"}`,
  pageOf: (page, pages) => `Page ${page} of ${pages}`,
  none: "No clients yet", noneHint: "The first client that you add appears here.",
  noMatch: "No client matches", noMatchHint: "Check the spelling, or clear the filters.",
  pastEnd: "This page is empty", firstPage: "Go to the first page",
  edit: "Edit", remove: "Delete", save: "Save", cancel: "Cancel", back: "All clients", discard: "Discard changes",
  saving: "Saving…", saved: "Saved.", created: "Created.", deleted: (name) => `${name} was deleted.`,
  unchanged: "Nothing was changed.", kept: "not changed", draft: "These are changes that you have not saved yet.",
  problems: "The server did not accept this yet. See the marked fields.", required: "required",
  addItem: "Press Enter to add", removeItem: (item) => `Remove ${item}`, yes: "Yes", no: "No", unset: "–",
  others: "Other details", editing: (name) => `Edit ${name}`,
  removeTitle: (name) => `Delete ${name}?`, removeHint: "The client disappears for everybody.",
  removeStale: "This client was changed after you opened it. Look at it again before you delete it.",
  conflict: "Changed by another person",
  conflictHint: (time) => `While you were editing, another person saved this client (${time}). Nothing is lost.`,
  mergeHint: "You changed different fields, so both changes can be kept.",
  chooseHint: "For the fields that you both changed, choose which value to keep.",
  field: "Field", before: "Before", mine: "You", theirs: "Other person", saveBoth: "Save both changes",
  saveChoice: "Save with these choices", backToForm: "Back to the form", keepMine: "your value", keepTheirs: "their value",
  gone: "This client does not exist any more, or belongs to someone else now.", recreate: "Create it again with your entries",
  notFound: "Client not found", reused: "An earlier attempt to save was received, with other values. Look at the list "
    + "before you create the client once more.",
  range: { both: (low, high) => `${low} – ${high}`, low: (low) => `from ${low}`, high: (high) => `up to ${high}` },
  remaining: (left, time) => `${left} requests left; the limit is full again in ${time}.`,
  waits: { limit: "The request limit is reached.", server: "The server does not answer.", busy: "The server is busy." },
  retrying: (time) => `Trying again in ${time}.`, tryNow: "Try now", stop: "Stop", stopped: "Stopped. Your entries are kept.",
  failed: "This did not work", reference: (id) => `Reference for your administrator: ${id}`, reload: "Reload",
  created_at: "Created", updated_at: "Changed", version: "Version", id: "Id", name: "Name", budget: "Budget",
  apiHint: "The same calls that this page makes, for programs. Replace YOUR_API_KEY and CLIENT_ID.",
  calls: "Calls", operations: "Operations", fields: "Fields of a client", copy: "Copy", copied: "Copied.",
  parameters: "Parameters", answers: "Answers", document: "OpenAPI document",
  labels: {
    first_name: "First name", last_name: "Last name", email: "E-mail", phone: "Phone", client_type: "Type",
    budget_min: "Minimum budget", budget_max: "Maximum budget", preferred_locations: "Preferred locations",
    property_preferences: "Property", pre_approved: "Pre-approved", pre_approval_amount: "Pre-approved amount",
    bedrooms_min: "Bedrooms, at least", bathrooms_min: "Bathrooms, at least",
    square_feet_min: "Square feet, at least", property_types: "Property types",
  },
};

const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);

/** The label of a field or the word for a value; names that TEXT does not have become readable. */
export const label = (name) => TEXT.labels[name] ?? capital(String(name).replaceAll("_", " "));

/** A text of the server with the names of fields replaced by their labels. */
export const plain = (text) =>
  text.replaceAll("`", "").replace(/\b[a-z]+(?:_[a-z]+)+\b/g, (name) => TEXT.labels[name] ?? name);

/** What a description says to a person: without the clauses about JSON, and nothing that only repeats the label. */
const hintOf = (description, name) =>
  plain(description).split(/(?<=[.;]) /).filter((clause) => !/JSON|null|keys/.test(clause) && clause !== `${label(name)}.`)
    .join(" ").replace(/;$/, ".");

// --- addresses: everything that the page shows stands in the fragment, which no server and no log sees

const DEFAULTS = { q: "", client_type: "", status: "", user_id: "", page: "1", limit: "25" };

/** The view that a fragment names: {view, id, query}. */
export function readRoute(fragment) {
  const [path, search = ""] = fragment.replace(/^#?\/?/, "").split("?");
  const [first, id, last] = path.split("/");
  const sent = new URLSearchParams(search);
  const query = Object.fromEntries(Object.entries(DEFAULTS).map(([name, unset]) => [name, sent.get(name) || unset]));
  for (const name of ["page", "limit"]) if (!/^[1-9][0-9]{0,8}$/.test(query[name])) query[name] = DEFAULTS[name];
  if (first === "client" && id) return { view: last === "edit" ? "edit" : "client", id, query };
  return { view: ["new", "api"].includes(first) ? first : "list", id: null, query };
}

/** The query of a list as text, without what is default. */
export function writeQuery(query) {
  const given = Object.entries(query).filter(([name, value]) => value && value !== DEFAULTS[name]);
  return new URLSearchParams(given).toString();
}
export const listAddress = (query) => `#/${writeQuery(query) && `?${writeQuery(query)}`}`;

// --- fields, out of the OpenAPI document

function resolve(document, schema) {
  if (schema.$ref) {
    const target = schema.$ref.slice(2).split("/").reduce((node, part) => node[part], document);
    return { ...resolve(document, target), ...(schema.description && { description: schema.description }) };
  }
  const other = schema.anyOf?.find((option) => option.type !== "null");
  return other ? { ...resolve(document, other), ...(schema.description && { description: schema.description }) } : schema;
}

function kindOf(schema) {
  const types = [schema.type].flat();
  if (schema.enum) return "choice";
  if (types.includes("boolean")) return "flag";
  if (types.includes("number") || types.includes("integer")) return "number";
  if (types.includes("array")) return "list";
  if (types.includes("object")) return "group";
  return schema.pattern && new RegExp(schema.pattern).test("a\nb") ? "lines" : "text"; // may it have line breaks?
}

/** The fields that a person may fill in: [{name, label, hint, kind, required, options, fields}]. */
export function fieldsOf(document, schema = document.components.schemas.ClientInput) {
  return Object.entries(schema.properties ?? {}).map(([name, given]) => {
    const rule = resolve(document, given);
    const kind = kindOf(rule);
    return {
      name, kind, label: label(name), description: rule.description ?? "", hint: hintOf(rule.description ?? "", name), options: rule.enum ?? [],
      required: (schema.required ?? []).includes(name), fields: kind === "group" ? fieldsOf(document, rule) : [],
    };
  });
}

// --- merging changes

/** Whether two values are the same JSON; absent is null, and the order of members does not count. */
export const same = (a, b) => canonical(a) === canonical(b);
function canonical(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.keys(value).sort().filter((name) => (value[name] ?? null) !== null);
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}

/** Each value of a client by its path. A group has a path for each member, known to ``fields`` or not. */
function paths(fields, ...records) {
  return fields.flatMap(({ name, kind }) => {
    if (kind !== "group") return [[name]];
    const members = new Set(records.flatMap((record) => Object.keys(record[name] ?? {})));
    return [...members].map((member) => [name, member]);
  });
}
const valueAt = (record, path) => path.reduce((node, name) => node?.[name], record) ?? null;

/** The values that differ between three states of a client: [{path, base, mine, theirs, kind}]. ``kind`` says
 *  who changed it: "mine", "theirs", "same" (both, alike) or "conflict" (both, differently). */
export function merge(fields, base, mine, theirs) {
  return paths(fields, base, mine, theirs).flatMap((path) => {
    const row = { path, base: valueAt(base, path), mine: valueAt(mine, path), theirs: valueAt(theirs, path) };
    const [byMe, byThem] = [!same(row.base, row.mine), !same(row.base, row.theirs)];
    if (!byMe && !byThem) return [];
    row.kind = !byThem ? "mine" : !byMe ? "theirs" : same(row.mine, row.theirs) ? "same" : "conflict";
    return [row];
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
  Object.fromEntries(fields.filter(({ name }) => !same(base[name], values[name])).map(({ name }) => [name, values[name]]));

// --- numbers and times, as the reader writes them

const separators = (locale) => {
  const parts = new Intl.NumberFormat(locale, { numberingSystem: "latn" }).formatToParts(1234567.5);
  return ["group", "decimal"].map((type) => parts.find((part) => part.type === type)?.value ?? "");
};
export const showNumber = (value, locale) =>
  typeof value === "number"
    ? new Intl.NumberFormat(locale, { numberingSystem: "latn", maximumFractionDigits: 20 }).format(value) : String(value ?? "");

/** The number that a person wrote; the text itself if it is none, for the server to say what is wrong. */
export function readNumber(text, locale) {
  const [group, decimal] = separators(locale).map((mark) => mark.replace(/[.\\^$|]/g, "\\$&"));
  const written = text.replace(/[\s\u00a0\u202f]/g, "").replaceAll("’", "'");
  const space = /^\s$/.test(separators(locale)[0]);
  const grouped = new RegExp(`^(\\d{1,3}(?:${group || ","}\\d{2,3})*${group || ","}\\d{3})(?:${decimal}(\\d+))?$`);
  const simple = new RegExp(`^(\\d+)(?:[.${decimal}](\\d+))?$`);
  const match = (!space && written.match(grouped)) || written.match(simple);
  if (!written) return null;
  return match ? Number(`${match[1].replace(/\D/g, "")}.${match[2] ?? 0}`) : text.trim();
}

export function showBudget({ budget_min: low, budget_max: high }, locale) {
  const [from, to] = [low, high].map((value) => showNumber(value, locale));
  if (low === null) return high === null ? "" : TEXT.range.high(to);
  if (high === null) return TEXT.range.low(from);
  return low === high ? from : TEXT.range.both(from, to);
}

/** A time in the reader's zone: the hour if it is today, else the date; ``long`` has both. */
export function showTime(iso, { locale, timeZone, now = new Date(), long = false } = {}) {
  const [time, day] = [new Date(iso), new Intl.DateTimeFormat("en-CA", { timeZone })];
  if (long) return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone }).format(time);
  const today = day.format(time) === day.format(now);
  return new Intl.DateTimeFormat(locale, { [today ? "timeStyle" : "dateStyle"]: today ? "short" : "medium", timeZone }).format(time);
}

/** Seconds as m:ss. */
export const showSeconds = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

/** Text that cannot change the direction of what is around it, where no element can isolate it. */
export const isolate = (text) => `\u2068${text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "")}\u2069`;
export const fullName = ({ first_name: first, last_name: last }) => `${first} ${last}`;
