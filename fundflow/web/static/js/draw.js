// Drawing a signature with a mouse, a pen or a finger. Whoever uses the keyboard types the name instead.
//
//   <div data-draw="drawing"> <canvas width="900" height="270"></canvas> <button type="button" data-draw-clear>…</button>
//     <p data-draw-status role="status" data-text-drawn="…" data-text-empty="…"></p> </div>
//
// The picture goes into the hidden input of that id as a PNG. What was drawn before a page was refused is shown again.
//
//   <fieldset data-ways="made"> … <input type="radio" name="made" value="drawn"> …   <div data-way="drawn"> … </div>
//
// Only the part that belongs to the chosen way is shown. Ways marked data-needs-script are hidden without scripts.

function offer(group) {
  const parts = group.closest("form").querySelectorAll("[data-way]");
  const show = () => {
    const chosen = group.querySelector("input:checked")?.value;
    for (const part of parts) part.hidden = part.dataset.way !== chosen;
  };
  group.addEventListener("change", show);
  show();
}

async function repaint(paper, text) {
  const bytes = Uint8Array.from(atob(text.slice(text.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  paper.drawImage(await createImageBitmap(new Blob([bytes], { type: "image/png" })), 0, 0);
}

function prepare(box) {
  const canvas = box.querySelector("canvas");
  const status = box.querySelector("[data-draw-status]");
  const kept = document.getElementById(box.dataset.draw);
  const paper = canvas.getContext("2d");
  Object.assign(paper, { lineWidth: 5, lineCap: "round", lineJoin: "round", strokeStyle: "#10243a" });
  if (kept.value.startsWith("data:image/png;base64,")) repaint(paper, kept.value).catch(() => (kept.value = ""));

  let last = null;
  const at = (event) => {
    const frame = canvas.getBoundingClientRect();
    return [((event.clientX - frame.left) * canvas.width) / frame.width, ((event.clientY - frame.top) * canvas.height) / frame.height];
  };
  const line = (from, to) => {
    paper.beginPath();
    paper.moveTo(...from);
    paper.lineTo(...to);
    paper.stroke();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    line(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) {
      const here = at(each);
      line(last, here);
      last = here;
    }
  });
  const lift = () => {
    if (!last) return;
    last = null;
    kept.value = canvas.toDataURL("image/png");
    status.textContent = status.dataset.textDrawn;
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  box.querySelector("[data-draw-clear]").addEventListener("click", () => {
    paper.clearRect(0, 0, canvas.width, canvas.height);
    kept.value = "";
    status.textContent = status.dataset.textEmpty;
  });
}

document.querySelectorAll("[data-needs-script]").forEach((part) => (part.hidden = false));
document.querySelectorAll("[data-draw]").forEach(prepare);
document.querySelectorAll("[data-ways]").forEach(offer);
