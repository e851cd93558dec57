// Building the document: elements, tables, messages and dialogs. Text is always inserted as text, never as HTML.

import { TEXT, label } from "./text.mjs";
import { isolate, showDay, showTime } from "./values.mjs";

/** The settings that the server put into the page: {agency, currency}, each absent if not set. */
export const { agency, currency } = document.documentElement.dataset;

export const find = (selector) => document.querySelector(selector);
export const focusHeading = () => { find("h1").focus({ preventScroll: true }); scrollTo(0, 0); };

export const go = (address, replace) => (replace ? location.replace(address) : location.assign(address));

/** An element: ``el("p.hint", { id: "x" }, ...children)``, with or without the attributes. A function is an event
 *  listener, true an attribute without a value; null, undefined and (as an attribute) false are left out. */
export function el(name, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = Object.assign(document.createElement(tag), { className: classes.join(" ") });
  const attributes = children[0]?.constructor === Object ? children.shift() : {};
  for (const [key, given] of Object.entries(attributes)) {
    if (typeof given === "function") node.addEventListener(key, given);
    else if ((given ?? false) !== false) node.setAttribute(key, given === true ? "" : given);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}
export const button = (text, click, look = "", name = null) =>
  el("button", { type: "button", class: look, "aria-label": name, click }, text);
export const link = (text, href, look) => el("a", { href, class: look }, text);
/** A value. The line of an e-mail address that is too long breaks at its @. */
export const value = (text) => el("bdi", text.split(/(?=@)/).flatMap((part, at) => (at ? [el("wbr"), part] : part)));
/** A time. On paper, where "6:15 AM" says too little, its date replaces it. */
export const time = (iso) =>
  el("time", { datetime: iso, title: showTime(iso, { long: true }), "data-date": showDay(iso) }, showTime(iso));
export const select = (given, options) =>
  el("select", given, options.map(([id, text]) => el("option", { value: id }, text)));
export const words = ({ options }) => options.map((word) => [word, label(word)]);
export const badge = (name) => el("span", { class: `badge ${name}` }, label(name));
export const mail = (text) =>
  text && el("a", { href: `mailto:${encodeURIComponent(text).replace("%40", "@")}` }, value(text));
export const phone = (text) =>
  text && (/\d/.test(text) ? el("a", { href: `tel:${text.replace(/[^\d+*#]/g, "")}` }, value(text)) : value(text));

/** Copy a text, also without https, which navigator.clipboard needs. */
export function copy(text) {
  const [field, focused] = [el("textarea.unseen"), document.activeElement];
  (dialog.open ? dialog : document.body).append(field);
  field.value = text;
  field.select();
  document.execCommand("copy");
  field.remove();
  focused.focus();
}

/** A table. It has explicit roles, since its elements lose their own when a narrow screen shows them as cards. */
export function table(look, title, columns, rows) {
  const row = (tag, role, cells) => el("tr", { role: "row" }, cells.map((cell, at) =>
    el(tag, { role, class: columns[at][0], "data-title": columns[at][1] }, cell)));
  return el("div.card", el("table", { role: "table", class: look, "aria-label": title },
    el("thead", { role: "rowgroup" }, row("th", "columnheader", columns.map((column) => column[1]))),
    el("tbody", { role: "rowgroup" }, rows.map((cells) => row("td", "cell", cells)))));
}

/** Show a message that screen readers announce too, optionally with a button. It disappears after some seconds, but
 *  not while the pointer or the focus is on it. */
export function say(text, action = null, seconds = 6) {
  const said = find("#said");
  const end = () => (said.matches(":hover, :focus-within") ? wait(1) : said.replaceChildren());
  const wait = (time) => { say.timer = setTimeout(end, time * 1000); };
  said.replaceChildren(...[text, action].filter(Boolean));
  said.onclick = ({ target }) => target.matches("a, button") && said.replaceChildren();
  clearTimeout(say.timer);
  wait(seconds);
}

/** Put a view into the page, with its title, and move the focus to it for screen readers. ``back`` is the
 *  address that its link back has. */
export function show(title, { actions, back, badges = [] }, ...nodes) {
  document.title = [...new Set([title, TEXT.title, agency])].filter(Boolean).map(isolate).join(" · ");
  const heading = el("div.heading", el("h1", { tabindex: "-1" }, value(title)), badges, el("div.actions", actions));
  const backText = back?.startsWith("#/client/") ? TEXT.backToClient : TEXT.back;
  find("#main").replaceChildren(back ? link(backText, back, "back") : "", heading, ...nodes.flat().filter((node) => node !== null));
  for (const tab of document.querySelectorAll("#top nav a")) {
    tab.ariaCurrent = (tab.hash === "#/people") === (location.hash === "#/people") ? "true" : null;
  }
  focusHeading();
}

/** Draw the view that is shown again, with the same scroll position, and the focus where it was. */
export function redraw(draw) {
  const [{ id }, place] = [document.activeElement, scrollY];
  draw();
  if (id) document.getElementById(id)?.focus({ preventScroll: true });
  scrollTo(0, place);
}

export const dialog = find("#dialog");
export function openDialog(title, ...nodes) {
  say("");
  dialog.className = "";
  dialog.onclose = null;
  dialog.replaceChildren(el("h2", { id: "dialog-title" }, value(title)), ...nodes.filter((node) => node !== null));
  if (!dialog.open) dialog.showModal();
}

/** Ask in the dialog. ``answers`` are buttons: [text, answer, look]. Resolves with the answer, null if it is closed. */
export const ask = (title, content, answers) => new Promise((resolve) => {
  const choose = (answer) => () => { resolve(answer); dialog.close(); };
  openDialog(title, content, el("div.actions", answers.map(([text, answer, look]) => button(value(text), choose(answer), look))));
  dialog.onclose = () => resolve(null);
});
