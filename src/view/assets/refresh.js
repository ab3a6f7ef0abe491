// Keeps the page's main part up to date while somebody looks at it. Pages are complete without it.
"use strict";
(() => {
  const paces = [1, 5, 30, 0];
  const stored = Number(localStorage.getItem("pace") ?? 5);
  const select = document.createElement("select");
  select.setAttribute("aria-label", "Refresh");
  for (const pace of paces) {
    const label = pace ? `every ${pace} s` : "stopped";
    select.add(new Option(label, pace, false, pace === stored));
  }
  select.addEventListener("change", () => {
    localStorage.setItem("pace", select.value);
    schedule();
  });
  document.querySelector("header").append(select);

  let timer;
  const schedule = () => {
    clearTimeout(timer);
    if (Number(select.value) && !document.hidden) timer = setTimeout(refresh, select.value * 1000);
  };
  const refresh = async () => {
    try {
      const response = await fetch(location.href, { signal: AbortSignal.timeout(5000) });
      if (response.ok) {
        const next = new DOMParser().parseFromString(await response.text(), "text/html");
        const main = document.querySelector("main");
        // Whoever is about to use a link or reads a bar's value keeps it.
        if (!main.contains(document.activeElement) && !main.querySelector("a:hover, svg g:hover")) {
          main.replaceWith(next.querySelector("main"));
          document.querySelector("footer").replaceWith(next.querySelector("footer"));
          document.title = next.title;
        }
      }
      document.body.classList.toggle("offline", !response.ok);
    } catch {
      document.body.classList.add("offline");
    }
    schedule();
  };
  document.addEventListener("visibilitychange", schedule);
  schedule();
})();
