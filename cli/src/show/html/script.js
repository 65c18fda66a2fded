"use strict";
{
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Tabs: one sheet of a figure at a time.
  for (const tabs of all(".tabs")) {
    const sheets = all(":scope > section", tabs);
    if (sheets.length < 2) continue;
    const bar = document.createElement("nav");
    bar.className = "tabs-bar";
    const show = (chosen) => sheets.forEach((sheet, at) => {
      sheet.hidden = sheet !== chosen;
      bar.children[at].setAttribute("aria-pressed", String(sheet === chosen));
    });
    for (const sheet of sheets) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = sheet.dataset.tab;
      button.addEventListener("click", () => show(sheet));
      bar.append(button);
    }
    tabs.prepend(bar);
    show(sheets.find((sheet) => sheet.dataset.tab === "64 B") ?? sheets[0]);
  }

  // Plots: the value nearest to the pointer is told, and its line stands out.
  const tip = document.getElementById("tip");
  const tell = (text, x, y) => {
    tip.hidden = !text;
    tip.textContent = text;
    const left = Math.min(x + 14, innerWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${y > 70 ? y - tip.offsetHeight - 12 : y + 18}px`;
  };
  const pick = (svg, series) => {
    svg.classList.toggle("picked", Boolean(series));
    for (const one of all(".series", svg)) one.classList.toggle("picked", one === series);
  };
  for (const svg of all("svg")) {
    const marks = all(".mark", svg).map((mark) => {
      const title = mark.querySelector("title");
      const text = title.textContent;
      title.remove();
      mark.setAttribute("aria-label", text);
      return { text, series: mark.closest(".series"), x: +mark.dataset.x, y: +mark.dataset.y };
    });
    const nearest = (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      let best = null;
      let within = 28;
      for (const mark of marks) {
        const distance = Math.hypot(mark.x - at.x, mark.y - at.y);
        if (distance < within && !mark.series.classList.contains("hidden")) [best, within] = [mark, distance];
      }
      return best;
    };
    const look = (event) => {
      const label = event.target.closest?.(".label");
      const mark = label ? null : nearest(event);
      pick(svg, label ? label.closest(".series") : mark?.series);
      tell(mark ? mark.text : "", event.clientX, event.clientY);
    };
    svg.addEventListener("pointermove", look);
    svg.addEventListener("pointerdown", look);
    svg.addEventListener("pointerleave", () => { pick(svg, null); tell("", 0, 0); });
  }

  // Names: a click hides a line in every plot, another one shows it again.
  for (const label of all("svg .label")) {
    const key = label.closest(".series").dataset.series;
    const toggle = () => {
      const hide = !label.closest(".series").classList.contains("hidden");
      for (const series of all(`svg .series[data-series="${key}"]`)) {
        series.classList.toggle("hidden", hide);
        series.querySelector(".label").setAttribute("aria-pressed", String(!hide));
      }
    };
    label.setAttribute("role", "button");
    label.setAttribute("tabindex", "0");
    label.setAttribute("aria-pressed", "true");
    label.addEventListener("click", toggle);
    label.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); toggle(); }
    });
  }

  // The table: numbers from the smallest, again from the largest; empty cells last.
  for (const table of all("table.sortable")) {
    const body = table.tBodies[0];
    all("thead th", table).forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const down = heading.getAttribute("aria-sort") === "ascending";
        all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", down ? "descending" : "ascending");
        const value = (row) => (column ? row.cells[column].dataset.value : row.cells[0].textContent);
        const order = (one, other) => {
          const [a, b] = [value(one), value(other)];
          if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
          return (down ? -1 : 1) * (column ? a - b : a.localeCompare(b));
        };
        body.append(...[...body.rows].sort(order));
      });
    });
  }
  root.classList.add("scripted");
}
