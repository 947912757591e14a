// Saves a form while it is being filled in, and never overwrites what somebody else saved.
//
//   <form method="post" data-autosave-url="/applications/…/forms/proposal/autosave" data-revision="7"
//         data-autosave-key="<application>:<form>" data-text-saved="Saved {time}" data-text-saving="Saving …"
//         data-text-offline="You are offline. …" data-text-failed="Not saved yet: {reason}" data-text-invalid="…"
//         data-text-stale="Somebody else saved this form meanwhile." data-text-compare="Compare" data-text-restore="Restore"
//         data-text-found="This browser kept newer answers that were never saved." data-text-discard="Leave them">
//     <input type="hidden" name="revision" value="7"> … <p data-save-status role="status"></p>
//
// Two seconds after the last change the whole form (files left out) is posted as form data, with `Accept: application/json`
// and the field `revision`. The server answers
//   200 {"revision": 8, "saved_at": "2026-03-01T12:00:00Z"}   kept; data-revision and the field `revision` follow
//   409 {"detail": "…", "url": "/compare"}                    stale: a notice with a link; nothing is overwritten, ever
//   422 {"detail": "…"}                                       the sentence is shown; typing goes on
// Unreachable or 5xx: the answers go to localStorage under data-autosave-key, the status says so, and it tries again (also
// at once when the browser is online again). A copy never sent is offered on the next visit. Leaving with unsaved answers
// asks first. Texts come from the page so that they are in its language; each has an English fallback.

const DELAY = 2000;
const RETRY = [5000, 15000, 30000, 60000];
const UNSENT = new Set(["csrf_token", "revision"]);

class Autosave {
  constructor(form) {
    this.form = form;
    this.status = form.querySelector("[data-save-status]") ?? this.makeStatus();
    this.key = `fundflow.draft:${form.dataset.autosaveKey || form.dataset.autosaveUrl}`;
    this.dirty = false;
    this.stale = false;
    this.tries = 0;
    this.last = this.snapshot();
    form.addEventListener("input", () => this.touched());
    form.addEventListener("change", () => this.touched());
    form.addEventListener("submit", (event) => this.leaving(event));
    addEventListener("online", () => this.dirty && this.save());
    addEventListener("pagehide", () => this.dirty && this.keep());
    addEventListener("beforeunload", (event) => {
      if (this.dirty && !this.submitting) event.preventDefault();
    });
    this.offer();
  }

  makeStatus() {
    const status = document.createElement("p");
    status.setAttribute("role", "status");
    this.form.append(status);
    return status;
  }

  text(name, fallback, values = {}) {
    const key = `text${name[0].toUpperCase()}${name.slice(1)}`;
    return (this.form.dataset[key] || fallback).replace(/\{(\w+)\}/g, (_all, word) => values[word] ?? "");
  }

  say(sentence, state) {
    this.status.textContent = sentence;
    this.status.dataset.state = state;
  }

  snapshot() {
    const pairs = [...new FormData(this.form)].filter(([name, value]) => typeof value === "string" && !UNSENT.has(name));
    return JSON.stringify(pairs);
  }

  touched() {
    if (this.stale) return;
    this.dirty = this.snapshot() !== this.last;
    clearTimeout(this.timer);
    if (this.dirty) this.timer = setTimeout(() => this.save(), DELAY);
  }

  async save() {
    if (this.running || this.stale || this.submitting) return;
    clearTimeout(this.timer);
    const sent = this.snapshot();
    const body = new FormData(this.form);
    for (const [name, value] of [...body]) if (typeof value !== "string") body.delete(name);
    body.set("revision", this.form.dataset.revision ?? "");
    this.running = true;
    this.say(this.text("saving", "Saving …"), "saving");
    try {
      const answer = await fetch(this.form.dataset.autosaveUrl, {
        method: "POST", body: new URLSearchParams(body), headers: { Accept: "application/json" }, credentials: "same-origin",
      });
      const said = await answer.json().catch(() => ({}));
      if (answer.ok) this.saved(said, sent);
      else if (answer.status === 409) this.conflict(said);
      else if (answer.status >= 500 || answer.status === 429) this.unreachable();
      else this.failed(said, answer.status);
    } catch {
      this.unreachable();
    } finally {
      this.running = false;
      if (this.dirty && !this.stale && this.tries === 0 && !this.refused) this.touched();
    }
  }

  saved(said, sent) {
    this.tries = 0;
    this.refused = false;
    this.last = sent;
    this.dirty = this.snapshot() !== sent;
    if (said.revision !== undefined) {
      this.form.dataset.revision = said.revision;
      const field = this.form.elements.namedItem("revision");
      if (field && "value" in field) field.value = said.revision;
    }
    this.forget();
    const at = said.saved_at ? new Date(said.saved_at) : new Date();
    const zone = document.documentElement.dataset.zone || undefined;
    const time = at.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
    this.say(this.text("saved", "Saved {time}", { time }), "saved");
    this.form.dispatchEvent(new CustomEvent("autosave:saved", { detail: said })); // pages that show more of the answer
  }

  failed(said, status) {
    this.refused = true; // sending the same again would be refused again; the next change tries anew
    this.keep();
    this.say(this.text("failed", "Not saved yet: {reason}", { reason: said.detail || said.error || status }), "failed");
  }

  unreachable() {
    const kept = this.keep();
    const sentence = kept
      ? this.text("offline", "No connection. Your answers are kept in this browser and will be saved when it is back.")
      : this.text("failed", "Not saved yet: {reason}", { reason: "" });
    this.say(sentence, "offline");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), RETRY[Math.min(this.tries, RETRY.length - 1)]);
    this.tries += 1;
  }

  conflict(said) {
    this.stale = true;
    this.keep();
    const sentence = said.detail || this.text("stale", "Somebody else saved this form meanwhile. Nothing was overwritten.");
    this.say(sentence, "stale");
    const notice = this.notice(`${sentence} `);
    if (said.url) {
      const link = document.createElement("a");
      link.href = said.url;
      link.textContent = this.text("compare", "Compare the two");
      link.addEventListener("click", () => (this.submitting = true)); // kept above, so leaving needs no question
      notice.querySelector("p").append(link);
    }
  }

  notice(sentence) {
    const notice = document.createElement("div");
    notice.className = "notice notice--warning";
    notice.setAttribute("role", "alert");
    const text = document.createElement("p");
    text.textContent = sentence;
    notice.append(text);
    this.form.prepend(notice);
    return notice;
  }

  keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify({ at: Date.now(), revision: this.form.dataset.revision, pairs: this.snapshot() }));
      return true;
    } catch {
      return false;
    }
  }

  forget() {
    try {
      localStorage.removeItem(this.key);
    } catch {
      // storage is refused in this browser: nothing was kept either
    }
  }

  /** Offers what an earlier visit could not send; the person decides, because the form may have changed since. */
  offer() {
    let kept;
    try {
      kept = JSON.parse(localStorage.getItem(this.key) ?? "null");
    } catch {
      return;
    }
    // data-saved-now: the page is the answer to a save by button, so what was kept before leaving has arrived.
    if (!kept || kept.pairs === this.last || "savedNow" in this.form.dataset) return this.forget();
    const notice = this.notice(this.text("found", "This browser kept answers that were never saved."));
    const row = document.createElement("p");
    const button = (label, action) => {
      const made = document.createElement("button");
      made.type = "button";
      made.className = "button button--small button--secondary";
      made.textContent = label;
      made.addEventListener("click", () => { action(); notice.remove(); });
      row.append(made, " ");
    };
    button(this.text("restore", "Restore them"), () => this.restore(JSON.parse(kept.pairs)));
    button(this.text("discard", "Leave them out"), () => this.forget());
    notice.append(row);
  }

  restore(pairs) {
    const values = new Map();
    for (const [name, value] of pairs) values.set(name, [...(values.get(name) ?? []), value]);
    const highest = {};
    for (const name of values.keys()) {
      const found = name.match(/^(.+)-(\d+)-/);
      if (found) highest[found[1]] = Math.max(highest[found[1]] ?? -1, Number(found[2]));
    }
    for (const [table, most] of Object.entries(highest)) {
      const add = this.form.querySelector(`[data-rows="${CSS.escape(table)}"] [data-add-row]`);
      for (let n = 0; add && n <= most && !this.form.querySelector(`[name^="${CSS.escape(table)}-${most}-"]`); n += 1) add.click();
    }
    for (const element of this.form.elements) {
      if (!element.name || UNSENT.has(element.name) || element.type === "file" || element.type === "submit") continue;
      const mine = values.get(element.name) ?? [];
      if (element.type === "checkbox" || element.type === "radio") element.checked = mine.includes(element.value);
      else if (mine.length) element.value = mine.shift();
    }
    this.form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  leaving(event) {
    if (event.defaultPrevented) return;
    this.submitting = true;
    clearTimeout(this.timer);
    if (this.dirty) this.keep();
  }
}

document.querySelectorAll("form[data-autosave-url]").forEach((form) => new Autosave(form));
