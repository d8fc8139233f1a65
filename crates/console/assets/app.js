// Copy buttons. Without JavaScript they stay hidden and the text beside them can be selected.
document.querySelectorAll("button[data-copy]").forEach((button) => {
  if (!navigator.clipboard) return;
  const word = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.done ?? "Copied";
    } catch {
      button.textContent = button.dataset.byHand ?? "Press Ctrl+C";
      getSelection().selectAllChildren(button.previousElementSibling);
    }
    setTimeout(() => { button.textContent = word; }, 2000);
  });
});

// Passkeys. A form asks the server for a question, the browser for an answer, and is then sent like any other. Without
// JavaScript or passkeys it stays hidden.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const credentials = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
const answers = {
  async create(key) {
    key.challenge = bytes(key.challenge);
    key.user.id = bytes(key.user.id);
    key.excludeCredentials = credentials(key.excludeCredentials);
    return navigator.credentials.create({ publicKey: key });
  },
  async get(key) {
    key.challenge = bytes(key.challenge);
    key.allowCredentials = credentials(key.allowCredentials);
    return navigator.credentials.get({ publicKey: key });
  },
};
const written = (found) => {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (found.response[name]) response[name] = text(found.response[name]);
  }
  return JSON.stringify({ id: found.id, rawId: text(found.rawId), type: found.type, response, extensions: found.getClientExtensionResults() });
};
document.querySelectorAll("form[data-passkey]").forEach((form) => {
  if (!window.PublicKeyCredential) return;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = form.querySelector("[role=alert]");
    wrong.hidden = true;
    try {
      const asked = await fetch(form.dataset.options, { method: "POST" });
      if (!asked.ok) throw new Error(asked.statusText);
      form.elements.credential.value = written(await answers[form.dataset.passkey]((await asked.json()).publicKey));
      form.submit();
    } catch {
      wrong.hidden = false;
    }
  });
});
