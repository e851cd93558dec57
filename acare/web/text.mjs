/** All English text of the page. Functions take the values in a sentence. */
export const TEXT = {
  // signing in, the frame
  title: "Clients", back: "← Back to the list", backToClient: "← Back to the client", signIn: "Sign in", signOut: "Sign out",
  key: "Your key or invitation link", shared: "This is a shared computer: sign out when this tab is closed",
  signInHint: "Ask your broker for a link. Brokers make one under People.",
  wrongKey: "This key is not valid. Ask for a new one.", wrongLink: "The link was used already, or it is not valid.",
  linkUnused: (email) => `You are signed in as ${email} here. The link is for another device, and still works there.`,
  sharedTitle: "Do others use this computer?", ownComputer: "No, keep me signed in", sharedComputer: "Yes, sign out later",
  sharedHint: (email) => `You are signed in as ${email}. On a shared computer, this ends when the tab is closed.`,
  browser: "Browser", signOutTitle: "Sign out?", signOutHint: "This deletes what you have not saved: ",
  expired: "Your key is no longer valid. Sign in again to continue. What you typed is kept.",
  tryAgain: "Try again without a key", signInAs: (email) => `Sign in as ${email}`, stayAs: (email) => `Stay signed in as ${email}`,
  otherTitle: "Sign in as someone else?",
  otherHint: (mine, theirs) => `You are signed in as ${mine}. The link that you opened signs you in as ${theirs}.`,
  // the list
  search: "Search", searchHint: "Search name, phone, note…", clear: "Clear filters",
  sort: { created_at: "Newest first", updated_at: "Recently changed", name: "By name" }, property: "For a property",
  suited: (clients, shown) => `${shown} ${clients === 1 ? "buyer" : "buyers"} whom it could suit`,
  all: { client_type: "All types", status: "All statuses", user_id: "All owners" },
  filters: (count) => (count ? `Filters (${count})` : "Filters"), create: "New client",
  total: (clients, shown) => `${shown} ${clients === 1 ? "client" : "clients"}`,
  pageOf: (page, pages) => `Page ${page} of ${pages}`, pages: "Pages", previous: "Previous", next: "Next",
  none: "No clients yet.", noMatch: "No clients found.", createTyped: (name) => `New client “${name}”`, searchDeleted: "Search deleted clients",
  range: { both: (low, high) => `${low} – ${high}`, low: (low) => `from ${low}`, high: (high) => `up to ${high}` },
  quoted: (text) => `“${text}”`,
  // lists to hand out
  download: "Download CSV", print: "Print", allClients: "All clients", firstOf: (rows, all) => `The first ${rows} of ${all}.`,
  // people and their keys
  people: "People", myKeys: "My keys", role: "Role", addPerson: "Add a colleague", newLink: "New invitation link", handOver: "Hand over clients",
  disabledPerson: (email) => `${email} (disabled)`, disabledHint: "Disabled: cannot sign in. The clients are kept.",
  linkTitle: (email) => `Invitation for ${email}`, copyLink: "Copy the link", close: "Close",
  linkHint: "Send this link only to this person: it signs them in, once. It is shown only now.",
  linkName: "For which device?", linkNameHint: "Work phone", makeLink: "Make the link",
  ownLink: "Link for another device", ownLinkHint: "Open this link on your other device: it signs you in there, once. It is shown only now.",
  formKey: "Key for a web form", formKeyName: "Web form", newKey: "New key", copyKey: "Copy the key", onlyCreates: "Only adds clients",
  formKeyHint: "A web form with this key adds clients for you; it cannot see or change any. It is shown only now.",
  handOverHint: "This includes closed clients.", disableToo: (email) => `Also disable ${email}, who can then not sign in`,
  newOwner: "New owner", noneToHandOver: (email) => `${email} has no clients.`, handOverTitle: (clients, from) => `Hand over ${clients} of ${from}`,
  handedOver: (from, to) => `The clients of ${from} now belong to ${to}.`,
  keysHint: "Browsers and programs sign in with these keys. Revoke a key that is lost or no longer needed.",
  invitation: (name) => (name ? `Invitation: ${name}` : "Invitation"), unusedLink: "Unused link", noKeys: "No keys: cannot sign in.", thisKey: "You use this key", revoke: "Revoke", keyRevoked: "The key was revoked.",
  revokeTitle: (name) => `Revoke the key “${name}”?`, revokeHint: "Everything that uses this key is signed out at once.",
  alsoRevoke: (keys) => `Also revoke the keys that were made with it: ${keys}`,
  keyFacts: (created, maker, used) =>
    `Created ${created}${maker ? ` by ${maker}` : ""} · ${used ? `Last used ${used}` : "Never used"}`,
  // a client and its form
  details: "Details", addNote: "Add note", noteHint: "New note", copy: "Copy", copied: "Copied.",
  edit: "Edit", editing: (name) => `Edit ${name}`, save: "Save", saving: "Saving…", discard: "Discard changes",
  saved: "Saved.", created: "Created.", createdOn: (day) => `created ${day}`, draft: "Unsaved changes:", yes: "Yes", no: "No", unset: "–",
  resume: "Continue", profile: "Search profile",
  problems: "The client was not saved. Correct the marked fields.", required: "required", entry: (number) => `entry ${number}`, choose: "Choose…",
  aNewClient: "the new client", remove: "Delete", cancel: "Cancel",
  removeTitle: (name) => `Delete ${name}?`, removeHint: "It can be restored from the deleted clients.",
  removeStale: (who) => `Not deleted: ${who} changed this client after you opened it. Check it before you delete it.`,
  removed: (name) => `${name} was deleted.`, undo: "Undo", restore: "Restore", restored: "The client was restored.",
  deleted: "Deleted", deletedClients: "Deleted clients", deletedOne: "This client was deleted",
  deletedBy: (who) => `Deleted by ${who}`, history: "History", older: "Show older changes", use: "Use old value", operator: "Administrator",
  actions: { created: "Created", imported: "Imported", deleted: "Deleted", restored: "Restored" },
  notFound: "Client not found", gone: "It was deleted, or it now belongs to someone else.",
  reused: "An earlier attempt may have created this client. Look at the list before you save again.",
  ambiguous: (text) => `“${text}” can be read in several ways. Which one do you mean?`,
  existsTitle: "This client may already exist", openIt: "Open", open: (name) => `Open ${name}`, createAnyway: "Create anyway",
  saveAnyway: "Save anyway",
  // a conflict
  conflict: "Someone else changed this client", field: "Field", before: "Before", mine: "You",
  conflictHint: (who) => `was saved by ${who}, while you were editing. No changes are lost.`,
  mergeHint: "You changed different fields, so both changes can be kept.", saveBoth: "Save both changes",
  chooseHint: "For each field that both of you changed, choose the value to keep.", saveChoice: "Save these choices",
  unchangedBy: "not changed", keep: { mine: "your value", theirs: "their value" }, backToForm: "Back to the form",
  // limits and failures
  waits: {
    limit: "Too many requests.", server: "The server is not responding.", busy: "The server is busy.",
    offline: "You are offline.",
  },
  retrying: (seconds) => `Trying again in ${seconds} s.`, stop: "Stop", stopped: "Stopped. What you typed is kept.",
  failed: "That did not work", reload: "Try again", reference: (id) => `Reference for your administrator: ${id}`,
  /** Placeholders of the kinds of fields whose label is not enough. */
  hints: { list: "Separated by commas", money: "450k" },
  // the keyboard
  keyboard: "Keyboard shortcuts",
  shortcuts: {
    "/": "Search", "Enter": "In the search: open the first client", "↓ ↑": "Next and previous client in the list",
    "n": "New client", "e": "Edit the client", "Ctrl + Enter": "Save", "Esc": "Back", "?": "Show these shortcuts",
  },
  labels: {
    first_name: "First name", last_name: "Last name", name: "Name", email: "E-mail", phone: "Phone",
    client_type: "Type", status: "Status", budget: "Budget", budget_min: "Minimum budget", budget_max: "Maximum budget",
    preferred_locations: "Preferred locations", property_preferences: "Other details", bedrooms_min: "Minimum bedrooms",
    bathrooms_min: "Minimum bathrooms", square_feet_min: "Minimum square feet", property_types: "Property types",
    pre_approved: "Pre-approved", pre_approval_amount: "Pre-approved amount", user_id: "Owner",
    created_at: "Created", updated_at: "Changed", tags: "Tags", notes: "Notes",
  },
};

/** A member of a record, or null; a client may have a member "constructor". */
export const valueOf = (record, name) => (Object.hasOwn(record ?? {}, name) ? record[name] : null);
/** The label of a field or the word for a value; names without one become readable. */
export const label = (name) =>
  valueOf(TEXT.labels, name) ?? (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll("_", " ");
