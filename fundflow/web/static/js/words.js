// Counts words as they are typed, by the server's rule: runs of anything that is not white space.
//
//   <textarea id="plan" data-words-max="300" aria-describedby="plan-count">…</textarea>
//   <p class="count" id="plan-count" data-words-for="plan" data-text-left="{n} words left" data-text-over="{n} words too many">
//
// The sentence in the <p> before any script runs ("At most 300 words.") is what a reader without scripts gets. The count
// is shown at once, and read aloud (aria-live polite) only when typing pauses, near the limit or past it.

const PAUSE = 1200;

export function count(text) {
  return (text.match(/\S+/g) ?? []).length;
}

function watch(output) {
  const area = document.getElementById(output.dataset.wordsFor);
  if (!area) return;
  const limit = Number(area.dataset.wordsMax);
  const spoken = document.createElement("span");
  spoken.className = "visually-hidden";
  spoken.setAttribute("aria-live", "polite");
  const shown = document.createElement("span");
  shown.setAttribute("aria-hidden", "true");
  const described = document.createElement("span"); // the limit itself stays the field's description
  described.className = "visually-hidden";
  described.textContent = output.textContent;
  output.replaceChildren(described, shown, spoken);
  let timer;
  const show = (say) => {
    const left = limit - count(area.value);
    const sentence = (left < 0 ? output.dataset.textOver : output.dataset.textLeft).replace("{n}", Math.abs(left));
    shown.textContent = sentence;
    output.classList.toggle("count--over", left < 0);
    clearTimeout(timer);
    if (say && left <= limit / 5) timer = setTimeout(() => (spoken.textContent = sentence), PAUSE);
  };
  area.addEventListener("input", () => show(true));
  show(false);
}

document.querySelectorAll("[data-words-for]").forEach(watch);
