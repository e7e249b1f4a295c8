// Chromium for the tests of the pages, and what each page must fulfil.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const PAGES = ["overview", "candidates", "candidate/best", "map", "rows", "edge", "judge", "spending", "lineage", "about"];
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export async function open() {
  const executablePath = process.env.CHROMIUM || PLACES.find(existsSync);
  if (!executablePath) throw new Error("no Chromium: install it, or name it with CHROMIUM");
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
}

// What pages do not fulfil; all of it is told at the end.
export const problems = [];

export function must(isSo, what) {
  if (!isSo) throw new Error(what);
}

// A tab that fails on script errors, on what the policy refuses, on dialogs, and on requests to elsewhere.
export async function tab(browser, { width = 1200, dark = false, script = true } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: dark ? "dark" : "light",
    javaScriptEnabled: script,
  });
  const page = await context.newPage();
  page.trouble = [];
  page.asked = [];
  page.on("console", (said) => { if (said.type() === "error") page.trouble.push(said.text()); });
  page.on("pageerror", (error) => page.trouble.push(String(error)));
  page.on("dialog", async (dialog) => { page.trouble.push(`a dialog: ${dialog.message()}`); await dialog.dismiss(); });
  page.on("request", (request) => page.asked.push(request.url()));
  return page;
}

// The page is accessible, fits its window, and nothing of its data was run.
export async function check(page, name) {
  const width = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
  if (width > 0) problems.push(`${name}: ${width} px wider than the window`);
  must(await page.evaluate(() => window.pwned === undefined), `${name}: data was run`);
  must((await page.locator("img, iframe, object, embed, script:not([src])").count()) === 0, `${name}: foreign elements`);
  // The checker comes in beside the page's policy, as an extension of the browser does.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: AXE });
  const { result } = await session.send("Runtime.evaluate", {
    expression: `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }).then((found) =>
      JSON.stringify(found.violations.map((it) => it.id + ": " + it.nodes.slice(0, 3).map((node) => node.html.slice(0, 160) + " " + node.failureSummary.slice(0, 160)).join(" | "))))`,
    awaitPromise: true,
  });
  const violations = JSON.parse(result.value);
  for (const said of [...violations, ...page.trouble.splice(0)]) problems.push(`${name}: ${said}`);
}

export async function enter(page, url) {
  await page.goto(url, { waitUntil: "load" });
  must(!page.url().includes("token"), "the token stays in the address");
  // A long journal is read first.
  while (page.url().includes("/run/") && !(await page.locator("nav.pages").count())) {
    await page.waitForTimeout(300);
    await page.reload();
  }
}
