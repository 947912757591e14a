// Keeps a double click from sending a form twice.
// Every form with method="post" is guarded; write data-many on a form that may be sent again without a new page.
// The button pressed gets aria-disabled="true" and data-busy; its value is still sent. Coming back by the browser's
// Back button frees the form again. The server refuses doubles by key as well: this only spares people the message.

function free(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button[data-busy]")) {
    delete button.dataset.busy;
    button.removeAttribute("aria-disabled");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || "many" in form.dataset) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "true";
  const button = event.submitter;
  if (button) {
    button.dataset.busy = "";
    button.setAttribute("aria-disabled", "true");
  }
});

addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("form[data-sent]").forEach(free);
});
