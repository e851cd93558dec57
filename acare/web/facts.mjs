// The values of a client as a person reads them.

import { TEXT, label } from "./text.mjs";
import { FIELDS, flatten, inputText, same } from "./record.mjs";
import { listAddress, showMoney, showNumber } from "./values.mjs";
import { badge, button, copy, currency, el, link, mail, phone, say, value } from "./dom.mjs";
import { owner, person } from "./requests.mjs";

export const isUnset = (given) => given === null || given === "" || same(given, []) || same(given, {});

const copied = (text, name) =>
  button(TEXT.copy, () => { copy(text); say(TEXT.copied); }, "quiet", `${TEXT.copy}: ${label(name)}`);
const LINKS = {
  email: (text) => [mail(text), copied(text, "email")], phone: (text) => [phone(text), copied(text, "phone")],
};

/** A text with its web addresses as links. */
export const linked = (text) => text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]'])/).map((part, at) =>
  (at % 2 ? el("a", { href: part, target: "_blank", rel: "noreferrer" }, part) : part));

/** A value as a person reads it. */
export function shown(field, given, links = true) {
  if (isUnset(given)) return el("span.unset", TEXT.unset);
  if (links && Object.hasOwn(LINKS, field.name)) return LINKS[field.name](given);
  if (field.kind === "choice") return badge(given);
  if (field.kind === "user") return person(owner(given));
  if (typeof given === "boolean") return given ? TEXT.yes : TEXT.no;
  if (typeof given === "number") return field.kind === "money" ? showMoney(given, currency) : showNumber(given);
  if (field.kind === "list") {
    const isFound = links && ["tags", "preferred_locations"].includes(field.name); // by the search of the list
    return el("ul.tags", given.map((item) =>
      el("li", isFound ? link(value(item), listAddress({ q: item })) : value(item))));
  }
  const isJson = field.kind === undefined && typeof given === "object"; // a detail
  return Object.assign(value(isJson ? JSON.stringify(given) : inputText(given)), { className: field.kind ?? "" });
}

const ELSEWHERE = ["first_name", "last_name", "client_type", "status", "notes"]; // on the page of a client
/** The facts that are known, since blanks and the default of a flag would hide them; each detail is one. */
export function factsOf(client) {
  const values = flatten(client);
  const fact = (field, given) =>
    el("div", { class: field.kind }, el("dt", value(field.label)), el("dd", shown(field, given)));
  return el("section.card.facts", el("h2", TEXT.details), el("dl", FIELDS.flatMap((field) => {
    const given = values[field.name];
    if (ELSEWHERE.includes(field.name) || isUnset(given) || given === false) return [];
    if (field.kind !== "details") return [fact(field, given)];
    return Object.entries(given).map(([name, detail]) => fact({ label: label(name) }, detail));
  })));
}
