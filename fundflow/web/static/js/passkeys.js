// Talks to the authenticator for a form with data-passkey="get" or "create", then sends what it answers.
// Refuses to do anything without data-options, and leaves the page usable when the person or the browser says no.

const form = document.querySelector("form[data-passkey]");
if (form) prepare(form);

function prepare(form) {
  const status = form.querySelector("[data-passkey-status]");
  const button = form.querySelector("[data-passkey-start]");
  if (!window.PublicKeyCredential || !navigator.credentials) {
    status.textContent = form.dataset.textUnsupported;
    return;
  }
  button.hidden = false;
  let busy = false;
  const start = async () => {
    if (busy) return;
    busy = true;
    button.disabled = true;
    status.textContent = form.dataset.textWaiting;
    try {
      form.elements.credential.value = JSON.stringify(await ask(form.dataset.passkey, JSON.parse(form.dataset.options)));
      form.submit();
    } catch (problem) {
      const { textKnown, textUnsupported, textCancelled } = form.dataset;
      // A SecurityError is a site without a name of its own, such as a bare address: no passkey can belong to it.
      status.textContent = { InvalidStateError: textKnown, SecurityError: textUnsupported }[problem.name] ?? textCancelled;
      busy = false;
      button.disabled = false;
      button.focus();
    }
  };
  button.addEventListener("click", start);
  start();
}

async function ask(kind, options) {
  const publicKey = { ...options, challenge: bytes(options.challenge) };
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (options[list]) publicKey[list] = options[list].map((each) => ({ ...each, id: bytes(each.id) }));
  }
  if (kind === "create") {
    publicKey.user = { ...options.user, id: bytes(options.user.id) };
    return made(await navigator.credentials.create({ publicKey }));
  }
  return shown(await navigator.credentials.get({ publicKey }));
}

function made(credential) {
  const { response } = credential;
  return {
    ...common(credential),
    extensions: JSON.stringify(credential.getClientExtensionResults()),
    response: {
      attestationObject: text(response.attestationObject),
      clientDataJSON: text(response.clientDataJSON),
      transports: response.getTransports ? response.getTransports() : [],
    },
  };
}

function shown(credential) {
  const { response } = credential;
  return {
    ...common(credential),
    response: {
      authenticatorData: text(response.authenticatorData),
      clientDataJSON: text(response.clientDataJSON),
      signature: text(response.signature),
      userHandle: response.userHandle ? text(response.userHandle) : null,
    },
  };
}

function common(credential) {
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

function bytes(base64url) {
  const plain = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
