// Numbers, times, names and addresses as text, and back. Independent of the document, so that Node can test it.

import { TEXT, label, valueOf } from "./text.mjs";

// --- addresses: the fragment names everything that the page shows, and is not sent to the server
export const PROPERTY = ["price", "location", "property_type", "bedrooms", "bathrooms", "square_feet"];
const DEFAULTS = { // in the order of the inputs
  q: "", client_type: "", status: "", user_id: "", sort: "created_at",
  ...Object.fromEntries(PROPERTY.map((name) => [name, ""])), deleted: "", page: "1",
};
/** The view that a fragment names: {view, id, query}. */
export function readRoute(fragment) {
  const [path, search = ""] = fragment.replace(/^#?\/?/, "").split("?");
  const [first, id = "", last] = path.split("/");
  const sent = new URLSearchParams(search);
  const query = Object.fromEntries(Object.entries(DEFAULTS).map(([name, unset]) => [name, sent.get(name) || unset]));
  if (!/^[1-9][0-9]{0,8}$/.test(query.page)) query.page = DEFAULTS.page;
  if (first === "client" && /^[\w-]+$/.test(id)) return { view: last === "edit" ? "edit" : "client", id, query };
  return { view: ["new", "people"].includes(first) ? first : "list", id: null, query };
}
/** The query of a list as text, without default values. */
export const writeQuery = (query) =>
  String(new URLSearchParams(Object.entries(query).filter(([name, value]) => value && value !== DEFAULTS[name])));
/** The query as the API takes it: a search has at most eight words, and an amount such as "450k" is a number. */
export function apiQuery(query) {
  const numbers = PROPERTY.filter((name) => query[name]).map((name) =>
    [name, (name === "price" ? amounts : readings)(query[name])[0] ?? query[name]]);
  return writeQuery({ ...query, ...Object.fromEntries(numbers), q: query.q.trim().split(/\s+/).slice(0, 8).join(" ") });
}
export const listAddress = (query) => `#/${writeQuery(query) && `?${writeQuery(query)}`}`;

// --- numbers and times, in the format of the browser's locale
const formatOf = (locale) => new Intl.NumberFormat(locale, { numberingSystem: "latn", maximumFractionDigits: 20 });
export const showNumber = (value, locale) =>
  typeof value === "number" ? formatOf(locale).format(value) : String(value ?? "");

/** An amount with the sign of the currency, if one is set. */
export function showMoney(value, currency, locale) {
  if (!currency || typeof value !== "number") return showNumber(value, locale);
  const style = { style: "currency", currency, numberingSystem: "latn", trailingZeroDisplay: "stripIfInteger" };
  return new Intl.NumberFormat(locale, style).format(value);
}

/** The numbers that a text can mean: none, one, or two if its separator differs in the reader's locale. */
export function readings(text, locale) {
  const parts = formatOf(locale).formatToParts(1234567.5);
  const [group, decimal] = ["group", "decimal"].map((type) => parts.find((part) => part.type === type)?.value ?? "");
  const between = /^\s?$/.test(group) ? "" : `[${group}]`; // white space between digits is ignored anyway
  const written = text.replace(/\s|^\s*\p{Sc}|\p{Sc}\s*$/gu, "").replaceAll("’", "'");
  const number = (whole, fraction = 0) => Number(`${whole.replace(/\D/g, "")}.${fraction}`);
  const grouped = new RegExp(`^(\\d{1,3}(?:${between}\\d{2,3})*${between}\\d{3})(?:[${decimal}](\\d+))?$`);
  const local = between && written.match(grouped);
  if (local) return [number(local[1], local[2])];
  const foreign = written.match(/^([1-9]\d{0,2}(?:([.,'])\d{3})(?:\2\d{3})*)(?:(?!\2)[.,](\d+))?$/);
  if (foreign && /^\d+[.,]\d+$/.test(written)) return [number(written), Number(written.replace(",", "."))];
  const match = foreign ? [foreign[1], foreign[3]] : written.match(new RegExp(`^(\\d+)(?:[.${decimal}](\\d+))?$`))?.slice(1);
  return match ? [number(...match)] : [];
}

const SCALES = { k: 1e3, m: 1e6 };
/** The amounts that a text can mean: "450k" and "1.2m" have one meaning, "1.5" may leave out either letter. */
export function amounts(text, locale) {
  const [, written, letter] = text.replace(/\p{Sc}/gu, "").trim().match(/^(.*?)\s*([km]?)$/is);
  const scale = (number, letters) => letters.map((one) => Math.round(number * (SCALES[one] ?? 1) * 100) / 100);
  const found = readings(written, locale);
  if (letter) return found.flatMap((number) => scale(number, [letter.toLowerCase()]));
  return found.length === 1 && found[0] < 1000 && found[0] % 1 ? scale(found[0], ["m", "k", ""]) : found;
}

/** The number in a text; the text itself if it is not one number, so that its problem can be shown. */
export function readNumber(text, locale, read = readings) {
  if (!text.trim()) return null;
  const found = read(text, locale);
  return found.length === 1 ? found[0] : text.trim();
}

export function showBudget({ budget_min: low, budget_max: high }, currency, locale) {
  const [from, to] = [low, high].map((value) => showMoney(value, currency, locale));
  if (low !== null && high !== null) return low === high ? from : TEXT.range.both(from, to);
  return low !== null ? TEXT.range.low(from) : high !== null ? TEXT.range.high(to) : "";
}

const [DAY, HOUR] = [{ dateStyle: "medium" }, { timeStyle: "short" }];
const inZone = (iso, styles, { locale, timeZone } = {}) =>
  new Intl.DateTimeFormat(locale, { ...styles, timeZone }).format(new Date(iso));
export const showDay = (iso, options) => inZone(iso, DAY, options);
export const showHour = (iso, options) => inZone(iso, HOUR, options);
/** A time in the reader's zone: the hour if it is today, else the date; ``long`` has both. */
export function showTime(iso, { now = new Date(), long = false, ...options } = {}) {
  if (long) return inZone(iso, { ...DAY, ...HOUR }, options);
  return (showDay(iso, options) === showDay(now, options) ? showHour : showDay)(iso, options);
}

// --- names and messages
/** Text that cannot change the direction of the text around it, where no element can isolate it. */
export const isolate = (text) => `\u2068${text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "")}\u2069`;
export const fullName = ({ first_name: first, last_name: last }) => `${first} ${last}`;
/** A text of the server with the labels of fields instead of their names, and with grouped digits. */
export const plain = (text, locale) =>
  text.replaceAll("`", "").replace(/\b[a-z]+(?:_[a-z]+)+\b/g, (name) => valueOf(TEXT.labels, name) ?? name)
    .replace(/\b\d{5,15}\b/g, (digits) => showNumber(Number(digits), locale));
/** A problem with a field as a sentence. */
export const sentence = ({ field, message }) => `${label(field)} ${plain(message)}.`
  .replace(" is invalid:", ":").replace(/\[(\d+)\]/g, (_, index) => TEXT.entry(Number(index) + 1));
/** An error of the API in plain words. */
export const explain = ({ message, problems = [] }) => problems.map(sentence).join(" ") || plain(message);
