// Keeps what the page shows up to date, at the chosen pace, and remembers the chosen theme. Pages are complete
// without it. It is loaded before the page is, so that none begins in the wrong theme.
"use strict";
(() => {
  const root = document.documentElement;
  // A browser may refuse to remember.
  const recall = (name) => {
    try {
      return localStorage.getItem("duskwatch-" + name);
    } catch {
      return null;
    }
  };
  const choose = (name, value) => {
    try {
      localStorage.setItem("duskwatch-" + name, value);
    } catch {}
  };
  root.dataset.theme = recall("theme") ?? "";

  // Whoever points at something, has the focus in it, typed into it or selected some of it, keeps it as it is.
  const inUse = (part) =>
    part.contains(document.activeElement) ||
    part.querySelector(":is(a, g, [title]):hover") ||
    [...part.querySelectorAll("input, textarea")].some((field) => field.value !== field.defaultValue) ||
    (!getSelection().isCollapsed && getSelection().containsNode(part, true));

  // A page of forms stays as it is; to ask for it again would also keep its session from ending. So does a long one.
  const isStill = () => document.querySelector("form[method=post], [data-still]") !== null;

  // Goes down to the parts that differ, and puts the new in the place of the old.
  const update = (old, next) => {
    if (old.isEqualNode(next)) return;
    const [children, others] = [[...old.children], [...next.children]];
    const isInner = /^(MAIN|SECTION|DIV|DETAILS|FIGURE)$/.test(old.tagName) && old.tagName === next.tagName;
    if (isInner && children.length === others.length) {
      children.forEach((child, index) => update(child, others[index]));
    } else if (!inUse(old)) {
      old.replaceWith(document.adoptNode(next));
    }
  };

  const begin = () => {
    const controls = document.querySelector(".controls");
    const status = document.querySelector("output");
    const select = (name, values) => {
      const [label, ...words] = controls.dataset[name].split("|");
      const made = document.createElement("select");
      made.name = name;
      made.setAttribute("aria-label", label);
      words.forEach((word, index) => made.add(new Option(word, values[index])));
      controls.append(made);
      return made;
    };
    const pace = select("pace", ["1", "5", "30", "0"]);
    const theme = select("theme", ["", "light", "dark"]);
    let answered = new Date();
    let asking = false;
    let timer;

    const show = (text) => {
      if (status.textContent !== text) status.textContent = text;
      document.body.classList.toggle("lost", text !== "");
    };
    const refresh = async () => {
      clearTimeout(timer);
      if (asking || document.hidden || pace.value === "0") return;
      if (isStill()) return;
      asking = true;
      const start = performance.now();
      try {
        const response = await fetch(location.href, { signal: AbortSignal.timeout(10000) });
        if (!response.ok && response.status !== 404) throw response.status;
        if (response.ok) {
          const next = new DOMParser().parseFromString(await response.text(), "text/html");
          for (const part of ["main", "footer"]) update(document.querySelector(part), next.querySelector(part));
          document.title = next.title;
        }
        answered = new Date();
        show(response.ok ? "" : status.dataset.gone);
      } catch {
        show(status.dataset.lost + " " + answered.toLocaleTimeString(root.lang));
      }
      asking = false;
      // A slow router is asked less often.
      timer = setTimeout(refresh, Math.max(pace.value * 1000, 4 * (performance.now() - start)));
    };

    for (const select of [pace, theme]) {
      const value = recall(select.name);
      if ([...select.options].some((option) => option.value === value)) select.value = value;
      select.addEventListener("change", () => choose(select.name, select.value));
    }
    theme.addEventListener("change", () => (root.dataset.theme = theme.value));
    pace.addEventListener("change", refresh);
    pace.hidden = isStill();
    if (pace.hidden) return;
    document.addEventListener("visibilitychange", refresh);
    timer = setTimeout(refresh, pace.value * 1000);
  };
  document.addEventListener("DOMContentLoaded", begin);
})();
