// Lets the browser make or prove a passkey, and sends what it says as a form.
// Such a form is hidden where the browser knows no passkeys.
const READS = "parseRequestOptionsFromJSON";
const MAKES = "parseCreationOptionsFromJSON";

export function enhancePasskeys() {
  const knows = window.PublicKeyCredential;
  if (!knows || !knows[READS] || !knows[MAKES]) return;
  for (const form of document.querySelectorAll("form[data-k-passkey][hidden]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void prove(form);
    });
  }
}

async function prove(form) {
  const problem = document.querySelector("[data-k-passkey-problem]");
  const button = form.querySelector("button");
  if (problem) problem.hidden = true;
  button.disabled = true;
  try {
    const { attempt, options } = await challenge(form);
    const credential = "kPasskeyNew" in form.dataset
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential[MAKES](options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential[READS](options) });
    form.elements.attempt.value = attempt;
    form.elements.answer.value = JSON.stringify(credential.toJSON());
    form.submit();
  } catch (error) {
    console.info("no passkey:", error.name);
    if (problem) problem.hidden = false;
    button.disabled = false;
  }
}

async function challenge(form) {
  const body = new URLSearchParams({ _token: form.elements._token.value });
  const answer = await fetch(form.dataset.kPasskey, { method: "POST", body, redirect: "error" });
  if (!answer.ok) throw new Error(`challenge: ${answer.status}`);
  return answer.json();
}
