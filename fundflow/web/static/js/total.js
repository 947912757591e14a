// Shows the weighted total that the server worked out with the last save; it computes nothing itself.
const place = document.querySelector("[data-review-total]");
const figure = place?.querySelector("[data-review-figure]");

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");

place?.closest("form").addEventListener("autosave:saved", ({ detail }) => {
  figure.textContent = detail.is_complete
    ? fill(place.dataset.textTotal, { score: detail.total, top: place.dataset.top })
    : fill(place.dataset.textScored, { given: detail.scored, all: place.dataset.criteria });
});
