// Repeating tables: add, remove and move rows, exact sums, and cells pasted from a spreadsheet.
//
//   <fieldset data-rows="budget" data-rows-min="1" data-rows-max="20" data-places="2" data-locale="fr">
//     <table><tbody data-rows-body>
//       <tr data-row> … <input name="budget-0-item" data-column="item"> <input name="budget-0-amount" data-column="amount">
//            <button type="button" data-move-up>…</button><button type="button" data-remove-row>…</button></tr>
//     </tbody></table>
//     <template data-row> <tr data-row> … name="budget-__n__-item" … </tr> </template>
//     <button type="button" data-add-row hidden>Add a row</button>
//     <output data-sum-of="amount" data-sum-text="{sum} EUR" data-equals="125000" data-equals-text="must be {sum} EUR"></output>
//     <p data-rows-status role="status" data-text-added="Row {n} added" data-text-removed="Row {n} removed" data-text-moved="Row moved to {n}"></p>
//   </fieldset>
//
// `__n__` in the template's name, id, for and aria attributes becomes the next unused number; numbers may have gaps and the
// order of rows is the order in the page. data-places is the currency's decimal places; data-equals is in smallest units.
// Without scripts the server renders spare empty rows and ignores those left empty. Buttons marked `hidden` are shown here.
// Every change dispatches a bubbling "input" event, so autosave.js sees it.

const SPACES = /[\s'’\u066c]/g;

/** Typed text to smallest units as a BigInt, or null where it is not one plain amount. Digits of any script are read. */
export function minorUnits(text, places, groupSign) {
  let plain = text.normalize("NFKC").replace(SPACES, "").replace("\u066b", ".");
  plain = plain.replace(/[\u0660-\u0669]/g, (d) => d.charCodeAt(0) - 0x660).replace(/[\u06f0-\u06f9]/g, (d) => d.charCodeAt(0) - 0x6f0);
  if (plain === "") return 0n;
  let whole, fraction = "";
  const lone = plain.match(/^(\d+)([.,])(\d+)$/);
  if (/^\d+$/.test(plain)) whole = plain;
  else if (/^\d{1,3}(,\d{3})+\.\d+$/.test(plain) || /^\d{1,3}(\.\d{3})+,\d+$/.test(plain)) {
    const at = Math.max(plain.lastIndexOf("."), plain.lastIndexOf(","));
    [whole, fraction] = [plain.slice(0, at).replace(/[.,]/g, ""), plain.slice(at + 1)];
  } else if (/^\d{1,3}([.,])\d{3}(\1\d{3})+$/.test(plain)) whole = plain.replace(/[.,]/g, "");
  else if (lone) {
    if (lone[3].length === 3 && lone[1].length <= 3 && lone[2] === groupSign) whole = lone[1] + lone[3];
    else [, whole, , fraction] = lone;
  } else return null;
  if (fraction.replace(/0+$/, "").length > places) return null;
  return BigInt(whole + fraction.slice(0, places).padEnd(places, "0"));
}

/** Smallest units to text in the reader's way of writing, exactly: Number never touches the digits. */
export function written(minor, places, locale) {
  const digits = (minor < 0n ? -minor : minor).toString().padStart(places + 1, "0");
  const whole = new Intl.NumberFormat(locale).format(BigInt(digits.slice(0, digits.length - places)));
  const sign = new Intl.NumberFormat(locale).formatToParts(1.5).find((part) => part.type === "decimal").value;
  return (minor < 0n ? "−" : "") + whole + (places ? sign + digits.slice(-places) : "");
}

class Rows {
  constructor(frame) {
    this.frame = frame;
    this.body = frame.querySelector("[data-rows-body]");
    this.template = frame.querySelector("template[data-row]");
    this.places = Number(frame.dataset.places ?? 2);
    this.locale = frame.dataset.locale || document.documentElement.lang || "en";
    const grouped = new Intl.NumberFormat(this.locale).formatToParts(1234567);
    this.groupSign = grouped.find((part) => part.type === "group")?.value;
    this.next = this.rows().length;
    frame.querySelectorAll("[data-add-row], [data-remove-row], [data-move-up], [data-move-down]").forEach((b) => (b.hidden = false));
    frame.addEventListener("click", (event) => this.click(event));
    frame.addEventListener("input", () => this.sum());
    frame.addEventListener("paste", (event) => this.paste(event));
    this.sum();
  }

  rows() {
    return [...this.body.querySelectorAll("[data-row]")];
  }

  click(event) {
    const button = event.target.closest("button");
    if (!button || !this.frame.contains(button)) return;
    const row = button.closest("[data-row]");
    if ("addRow" in button.dataset) this.add()?.querySelector("input, select, textarea")?.focus();
    else if (row && "removeRow" in button.dataset) this.remove(row);
    else if (row && "moveUp" in button.dataset) this.move(row, row.previousElementSibling, "before", button);
    else if (row && "moveDown" in button.dataset) this.move(row, row.nextElementSibling, "after", button);
  }

  add() {
    const most = Number(this.frame.dataset.rowsMax || Infinity);
    if (this.rows().length >= most || !this.template) return null;
    while (this.body.querySelector(`[name*="-${this.next}-"]`)) this.next += 1;
    const fragment = this.template.content.cloneNode(true);
    for (const element of fragment.querySelectorAll("*")) {
      for (const { name, value } of [...element.attributes]) {
        if (value.includes("__n__")) element.setAttribute(name, value.replaceAll("__n__", String(this.next)));
      }
    }
    const row = fragment.querySelector("[data-row]");
    row.querySelectorAll("button[hidden]").forEach((each) => (each.hidden = false));
    this.next += 1;
    this.body.append(fragment);
    this.changed("added", this.rows().length);
    return row;
  }

  remove(row) {
    const rows = this.rows();
    const at = rows.indexOf(row);
    if (rows.length <= Number(this.frame.dataset.rowsMin || 0)) {
      row.querySelectorAll("input:not([type=hidden]), textarea, select").forEach((input) => (input.value = ""));
    } else row.remove();
    const after = this.rows()[Math.min(at, this.rows().length - 1)];
    (after?.querySelector("[data-remove-row]") ?? this.frame.querySelector("[data-add-row]"))?.focus();
    this.changed("removed", at + 1);
  }

  move(row, other, side, button) {
    if (!other?.matches("[data-row]")) return;
    other[side](row);
    button.focus();
    this.changed("moved", this.rows().indexOf(row) + 1);
  }

  changed(what, n) {
    this.sum();
    const status = this.frame.querySelector("[data-rows-status]");
    const text = status?.dataset[`text${what[0].toUpperCase()}${what.slice(1)}`];
    if (text) status.textContent = text.replace("{n}", n);
    const add = this.frame.querySelector("[data-add-row]");
    if (add) add.disabled = this.rows().length >= Number(this.frame.dataset.rowsMax || Infinity);
    this.body.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** A block of cells from a spreadsheet fills the grid from the focused cell on, adding rows as it needs them. */
  paste(event) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const first = event.target.closest("[data-column]");
    if (!first || event.target.matches("textarea") || !/[\t\n]/.test(text.trimEnd())) return;
    event.preventDefault();
    const columns = (row) => [...row.querySelectorAll("[data-column]")];
    const from = columns(first.closest("[data-row]")).indexOf(first);
    let at = this.rows().indexOf(first.closest("[data-row]"));
    for (const line of text.replace(/\r/g, "").replace(/\n+$/, "").split("\n")) {
      const row = this.rows()[at] ?? this.add();
      if (!row) break;
      line.split("\t").forEach((value, offset) => {
        const cell = columns(row)[from + offset];
        if (cell) cell.value = value.trim();
      });
      at += 1;
    }
    this.body.dispatchEvent(new Event("input", { bubbles: true }));
  }

  sum() {
    for (const output of this.frame.querySelectorAll("[data-sum-of]")) {
      let total = 0n;
      for (const input of this.body.querySelectorAll(`[data-column="${CSS.escape(output.dataset.sumOf)}"]`)) {
        const minor = minorUnits(input.value, this.places, this.groupSign);
        input.classList.toggle("unreadable", minor === null);
        total += minor ?? 0n;
      }
      const say = (minor, text) => (text ?? "{sum}").replace("{sum}", written(minor, this.places, this.locale));
      let shown = say(total, output.dataset.sumText);
      const due = output.dataset.equals;
      const differs = due !== undefined && due !== "" && BigInt(due) !== total;
      if (differs && output.dataset.equalsText) shown += ` · ${say(BigInt(due), output.dataset.equalsText)}`;
      output.classList.toggle("sum--differs", differs);
      if (output.textContent !== shown) output.textContent = shown;
    }
  }
}

document.querySelectorAll("[data-rows]").forEach((frame) => new Rows(frame));
