// The editor of a draft: line numbers, mistakes at their lines while one types, the diagram beside it. Without this script
// the page is a form with the buttons "Save" and "Check" and works all the same. autosave.js keeps the text; this keeps
// every keystroke of it in the browser besides, under the same key, so that a browser that dies loses none.
//
//   <form data-studio data-check-url="…" data-diagram-url="…" data-autosave-key="…" data-text-line="Line {line}: {says}">
//     <div class="code-box"><div data-lines></div><textarea id="text" data-go="12">…</textarea></div> <p data-at></p>
//   [data-findings] is filled with the list that the server wrote, [data-present] with who else has the draft open.

const PAUSE = 500;
const HEARTBEAT = 30000;
const UNSENT = new Set(["csrf_token", "revision"]);

class Editor {
  constructor(form) {
    this.form = form;
    this.area = form.querySelector("textarea");
    this.gutter = form.querySelector("[data-lines]");
    this.at = form.querySelector("[data-at]");
    this.findings = document.querySelector("[data-findings]");
    this.sum = document.querySelector("[data-sum]");
    this.present = document.querySelector("[data-present]");
    this.marks = new Map();
    this.count = 0;
    this.number();
    this.area.addEventListener("input", () => this.typed());
    this.area.addEventListener("scroll", () => this.follow());
    for (const name of ["keyup", "click", "focus"]) this.area.addEventListener(name, () => this.tell());
    this.area.addEventListener("keydown", (event) => this.indent(event));
    document.addEventListener("click", (event) => this.jump(event));
    form.addEventListener("autosave:saved", () => this.draw());
    setInterval(() => document.visibilityState === "visible" && this.check(), HEARTBEAT);
    this.check();
    if (matchMedia("(min-width: 75rem)").matches) this.draw();
    if (this.area.dataset.go) this.go(Number(this.area.dataset.go));
  }

  typed() {
    this.number();
    this.keep();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), PAUSE);
  }

  number() {
    const count = this.area.value.split("\n").length;
    if (count !== this.count) {
      this.count = count;
      this.gutter.replaceChildren(
        ...Array.from({ length: count }, (_each, at) => {
          const line = document.createElement("span");
          line.textContent = at + 1;
          return line;
        }),
      );
      this.paint();
    }
    this.follow();
  }

  paint() {
    for (const [at, line] of [...this.gutter.children].entries()) {
      const found = this.marks.get(at + 1);
      line.className = found ? (found.warning ? "is-warning" : "is-wrong") : "";
    }
  }

  follow() {
    this.gutter.scrollTop = this.area.scrollTop;
  }

  keep() {
    const key = this.form.dataset.autosaveKey;
    if (!key) return;
    const pairs = [...new FormData(this.form)].filter(([name, value]) => typeof value === "string" && !UNSENT.has(name));
    try {
      const kept = { at: Date.now(), revision: this.form.dataset.revision, pairs: JSON.stringify(pairs) };
      localStorage.setItem(`fundflow.draft:${key}`, JSON.stringify(kept));
    } catch {
      // storage is full or refused: autosave.js still sends what is typed
    }
  }

  async check() {
    clearTimeout(this.timer);
    if (this.running) {
      this.again = true;
      return;
    }
    this.running = true;
    try {
      const answer = await fetch(this.form.dataset.checkUrl, {
        method: "POST",
        body: new URLSearchParams(new FormData(this.form)),
        headers: { Accept: "application/json" },
        credentials: "same-origin",
      });
      if (!answer.ok) throw new Error(answer.status);
      this.show(await answer.json());
    } catch {
      this.at.textContent = this.form.dataset.textUnchecked;
    } finally {
      this.running = false;
      if (this.again) {
        this.again = false;
        this.timer = setTimeout(() => this.check(), PAUSE);
      }
    }
  }

  show(said) {
    if (this.findings.innerHTML !== said.html) this.findings.innerHTML = said.html; // escaped by the server's template
    // How much there is to mend is read aloud as it changes; the list itself only when one goes there.
    const sum = this.findings.querySelector(".findings__sum, .findings__none")?.textContent ?? "";
    if (this.shown !== undefined && this.shown !== sum) this.sum.textContent = sum;
    this.shown = sum;
    this.marks = new Map();
    for (const each of said.lines) {
      const known = this.marks.get(each.line);
      if (!known || (known.warning && !each.warning)) this.marks.set(each.line, each);
    }
    this.present.textContent = said.editors;
    this.present.hidden = !said.editors;
    this.form.dataset.checked = said.loads ? "loads" : "wrong";
    this.paint();
    this.tell();
  }

  tell() {
    const line = this.area.value.slice(0, this.area.selectionStart).split("\n").length;
    const found = this.marks.get(line);
    const sentence = found
      ? this.form.dataset.textLine.replace("{line}", line).replace("{says}", found.says)
      : "";
    if (this.at.textContent !== sentence) this.at.textContent = sentence;
    this.at.classList.toggle("studio__at--wrong", Boolean(found));
  }

  /** Tab would leave the field, and so it should; spaces go on with the line above. */
  indent(event) {
    if (event.key !== "Enter" || event.isComposing || event.shiftKey || event.ctrlKey || event.metaKey) return;
    const before = this.area.value.slice(0, this.area.selectionStart);
    const line = before.slice(before.lastIndexOf("\n") + 1);
    const spaces = line.match(/^ */)[0] + (line.trimEnd().endsWith(":") ? "  " : "");
    if (!spaces) return;
    event.preventDefault();
    if (!document.execCommand("insertText", false, `\n${spaces}`)) {
      this.area.setRangeText(`\n${spaces}`, this.area.selectionStart, this.area.selectionEnd, "end");
      this.area.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  jump(event) {
    const link = event.target.closest?.("[data-line]");
    if (!link || link.dataset.file !== this.form.elements.namedItem("file").value) return;
    event.preventDefault();
    this.go(Number(link.dataset.line));
  }

  go(line) {
    const lines = this.area.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    this.area.focus({ preventScroll: true });
    this.area.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
    const height = this.area.scrollHeight / Math.max(1, lines.length);
    this.area.scrollTop = Math.max(0, (line - 6) * height);
    this.area.closest(".code-box").scrollIntoView({ block: "nearest" });
    this.follow();
    this.tell();
  }

  async draw() {
    const place = document.querySelector("[data-diagram]");
    if (!place || !matchMedia("(min-width: 75rem)").matches) return;
    try {
      const answer = await fetch(this.form.dataset.diagramUrl, { credentials: "same-origin" });
      const drawn = answer.ok ? await answer.text() : "";
      if (drawn.includes("<svg")) place.innerHTML = drawn; // our own drawing; while the text has mistakes the last one stays
    } catch {
      // the link to the diagram's own page stays
    }
  }
}

document.querySelectorAll("form[data-studio]").forEach((form) => new Editor(form));

// Whoever takes the other person's text leaves what this browser kept of their own.
document.querySelector("[data-forget]")?.addEventListener("click", () => {
  const form = document.querySelector("form[data-studio]");
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith("fundflow.draft:draft:") && key.includes(`:${form.elements.namedItem("file").value}:`)) localStorage.removeItem(key);
    }
  } catch {
    // nothing is kept where storage is refused
  }
});
