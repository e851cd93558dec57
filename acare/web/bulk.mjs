// One change of many clients: the request for each of them, the one that undoes it, and the time.

import { plainTags } from "./due.mjs";
import { isolate, label } from "./values.mjs";

const tags = (client, next) => ({
  path: `v1/clients/${client.id}`,
  body: { tags: next },
  back: { tags: client.tags },
});
/** The kinds of change: the text, and the request for a client and a value; null if there is
 *  nothing to change. */
export const KINDS = {
  add: {
    text: "Add a tag",
    job: (client, tag) => (client.tags.includes(tag) ? null : tags(client, [...client.tags, tag])),
  },
  remove: {
    text: "Remove a tag",
    job: (client, tag) =>
      client.tags.includes(tag)
        ? tags(
            client,
            client.tags.filter((one) => one !== tag),
          )
        : null,
  },
  status: {
    text: "Set the status",
    job: (client, status) =>
      client.status === status
        ? null
        : {
            path: `v1/clients/${client.id}`,
            body: { status },
            back: { status: client.status },
          },
  },
  owner: {
    text: "Set the owner",
    job: (client, owner) =>
      client.user_id === owner
        ? null
        : {
            path: `v1/clients/${client.id}/owner`,
            body: { user_id: owner },
            back: { user_id: client.user_id },
          },
  },
};

/** What is sent for the clients that the change affects: [{client, path, body, back}]. */
export const jobsFor = (kind, value, clients) =>
  clients.flatMap((client) => {
    const job = KINDS[kind].job(client, value);
    return job ? [{ client, ...job }] : [];
  });
/** What undoes jobs that were done: each with the client as it was saved. */
export const undoing = (done) =>
  done.map(({ client, path, body, back }) => ({ client, path, body: back, back: body }));

/** What a change does, in words. */
export function inWords(kind, value) {
  const name = isolate(value);
  return {
    add: `add the tag “${name}”`,
    remove: `remove the tag “${name}”`,
    status: `set the status to ${label(value)}`,
    owner: `set the owner to ${name}`,
  }[kind];
}
/** The tags that clients have, in alphabetical order. */
export const tagsOf = (clients) =>
  [...new Set(clients.flatMap((client) => plainTags(client.tags)))].sort((a, b) =>
    a.localeCompare(b),
  );

/** How many requests of the limit stay for the person who works meanwhile. */
export const RESERVE = 50;
/** The seconds until ``count`` more requests leave the reserve, from the headers of an answer:
 *  {limit, remaining, reset, at}, or null if there is no limit. */
export function secondsFor(count, rate, now = Date.now()) {
  if (!rate) return 0;
  const { limit, remaining, reset, at } = rate;
  const missing = count + Math.min(RESERVE, Math.floor(limit / 2)) - remaining;
  if (missing <= 0) return 0;
  const perSecond = reset > 0 ? (limit - remaining) / reset : limit / 900;
  return Math.max(0, Math.ceil(missing / perSecond - (now - at) / 1000));
}
