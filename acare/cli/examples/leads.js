const form = document.querySelector("form");
let key = crypto.randomUUID();
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const client = { ...Object.fromEntries(new FormData(form)), client_type: "buyer", source: "web form" };
  if (client.phone && (client.phone.length > 40 || !/[0-9]/.test(client.phone))) {
    client.notes = `${client.notes ?? ""}\n${client.phone}`.trim();
    delete client.phone;
  }
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  const { status } = await fetch("/leads", { method: "POST", headers, body: JSON.stringify(client) });
  form.querySelector("output").value = status === 201 ? "Thank you." : `Please call us (${status}).`;
  if (status === 201) {
    form.reset();
    key = crypto.randomUUID();
  }
});
