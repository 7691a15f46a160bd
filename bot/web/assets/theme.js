// Light, dark, or as the system has it. Loaded before the page is painted, so that nothing flashes.
const chosen = localStorage.getItem("zuruf.theme");
if (chosen) document.documentElement.dataset.theme = chosen;

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-switch]")) return;
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const isDark = (document.documentElement.dataset.theme ?? (systemIsDark ? "dark" : "light")) === "dark";
  const theme = isDark ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("zuruf.theme", theme);
});
