for (const frame of document.querySelectorAll("iframe")) {
  const fit = () => {
    frame.style.height = "0";
    frame.style.height = `${frame.contentDocument.documentElement.scrollHeight + 2}px`;
  };
  frame.addEventListener("load", fit);
  // Some are loaded before this script runs.
  addEventListener("load", fit);
  frame.closest("details")?.addEventListener("toggle", fit);
}
