// For programmers: the operations of the API, with commands for this server.

import { TEXT } from "./text.mjs";
import { button, el, link, say, show } from "./dom.mjs";
import { BASE, state } from "./requests.mjs";

const KEY = "-H 'X-API-Key: YOUR_API_KEY'";
const SENDING = `${KEY} -H 'Content-Type: application/json'`;
/** A call for each operation: the path and the options of curl. */
const CALLS = {
  List: ["v1/clients?status=active&limit=5", KEY],
  Create: ["v1/clients", `${SENDING} -d '{"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"}'`],
  Get: ["v1/clients/CLIENT_ID", KEY],
  Update: ["v1/clients/CLIENT_ID", `-X PUT ${SENDING} -d '{"status": "closed", "version": 1}'`],
  Delete: ["v1/clients/CLIENT_ID", `-X DELETE ${KEY}`],
};

/** What programs can do: a command for each operation, with the address that this browser uses. */
export function apiView() {
  const here = BASE.href.replaceAll("'", "%27"); // safe in a shell's quotes
  const examples = Object.entries(CALLS).map(([name, [path, options]]) => {
    const text = el("pre", `curl -s '${here}${path}' ${options}`);
    const copy = () => {
      getSelection().selectAllChildren(text);
      if (document.execCommand("copy")) say(TEXT.copied); // navigator.clipboard is there with https alone
    };
    return el("div.call", el("h2", name), button(TEXT.copy, copy, "", `${TEXT.copy}: ${name}`), text);
  });
  show(TEXT.api, { back: state.list ?? "#/" }, el("p", TEXT.apiHint, " ",
    link(TEXT.document, new URL("openapi.json", BASE).href)), examples);
}
