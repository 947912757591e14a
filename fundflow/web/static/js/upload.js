// Sends files as soon as they are chosen, and keeps "must be equal" sums true while their target is typed.
//
//   <div data-files> <ul data-files-list></ul>
//     <input type="file" name="upload-budget" data-upload-url="/applications/…/files/budget" data-upload-mb="10"
//            data-text-sending="Sending {name} …" data-text-failed="…" data-text-big="“{name}” is larger than {limit} MB.">
//     <p data-upload-status role="status"></p>
//   </div>
//
// Posts multipart form data with `Accept: application/json`; the answer is {"files": [{id, name, size, url, field}], "detail"}
// with the whole list, so that it is drawn anew. Without scripts the same input is sent with the form.
//
//   <output data-sum-of="amount" data-equals="…" data-equals-of="requested">  data-equals follows the input of that id.

function text(input, name, values) {
  return (input.dataset[name] ?? "").replace(/\{(\w+)\}/g, (_all, word) => values[word] ?? "");
}

function draw(list, files, label) {
  list.replaceChildren(
    ...files.map((file) => {
      const item = document.createElement("li");
      item.className = "files__item";
      const link = document.createElement("a");
      link.href = file.url;
      link.textContent = file.name;
      const size = document.createElement("span");
      size.className = "files__size";
      size.textContent = file.size;
      const remove = document.createElement("button");
      remove.type = "submit";
      remove.name = "remove-file";
      remove.value = `${file.field}:${file.id}`;
      remove.className = "button button--quiet button--small";
      remove.textContent = label;
      const which = document.createElement("span");
      which.className = "visually-hidden";
      which.textContent = ` ${file.name}`;
      remove.append(which);
      item.append(link, " ", size, " ", remove);
      return item;
    }),
  );
}

async function send(input) {
  const box = input.closest("[data-files]");
  const status = box.querySelector("[data-upload-status]");
  const limit = Number(input.dataset.uploadMb);
  const body = new FormData();
  body.set("csrf_token", document.querySelector("meta[name=csrf-token]").content);
  const names = [];
  for (const file of input.files) {
    if (file.size > limit * 1024 * 1024) {
      status.textContent = text(input, "textBig", { name: file.name, limit });
      status.dataset.state = "failed";
      input.value = "";
      return;
    }
    body.append(input.name, file);
    names.push(file.name);
  }
  if (!names.length) return;
  status.textContent = text(input, "textSending", { name: names.join(", ") });
  status.dataset.state = "saving";
  input.disabled = true;
  try {
    const answer = await fetch(input.dataset.uploadUrl, {
      method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin",
    });
    const said = await answer.json();
    if (said.files) draw(box.querySelector("[data-files-list]"), said.files, input.dataset.textRemove);
    status.textContent = said.detail || "";
    status.dataset.state = answer.ok ? "saved" : "failed";
  } catch {
    status.textContent = text(input, "textFailed", {});
    status.dataset.state = "failed";
  } finally {
    input.value = "";
    input.disabled = false;
  }
}

document.querySelectorAll("input[type=file][data-upload-url]").forEach((input) => {
  input.addEventListener("change", () => send(input));
});

// Only a plainly typed target is followed; anything else takes the comparison away rather than compare with a guess.
document.querySelectorAll("[data-equals-of]").forEach((output) => {
  const target = document.getElementById(output.dataset.equalsOf);
  const frame = output.closest("[data-rows]");
  target?.addEventListener("input", () => {
    const places = Number(frame.dataset.places);
    const plain = target.value.replace(/[\s\u00a0\u202f]/g, "").match(/^(\d+)(?:[.,](\d*))?$/);
    const known = plain && (plain[2] ?? "").length <= Math.min(places, 2);
    output.dataset.equals = known ? BigInt(plain[1] + (plain[2] ?? "").padEnd(places, "0")).toString() : "";
    frame.dispatchEvent(new Event("input"));
  });
});
