// Small things every page gains: the error summary takes the focus, the navigation shows where we are, menus close with
// Escape or a click elsewhere, and cells of table.stacked learn their column's name (data-label) for narrow screens.

document.querySelector("[data-focus]")?.focus();

// On a narrow screen the navigation scrolls sideways; the present page's place in it must not lie out of sight.
for (const place of document.querySelectorAll(":is(.site-nav, .studio-tabs) [aria-current]")) {
  const row = place.closest("ul");
  row.scrollLeft += place.getBoundingClientRect().left - row.getBoundingClientRect().left - (row.clientWidth - place.offsetWidth) / 2;
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

for (const table of document.querySelectorAll("table.stacked")) {
  const labels = [...table.querySelectorAll("thead th")].map((heading) => heading.textContent.trim());
  for (const row of table.querySelectorAll("tbody tr")) {
    [...row.cells].forEach((cell, at) => {
      if (!cell.dataset.label && labels[at] && cell.colSpan === 1) cell.dataset.label = labels[at];
    });
  }
}
