// node pages.mjs URL REPORT: all pages of a run at rest, in all windows and colours; keys; the report as a file.
import { pathToFileURL } from "node:url";
import { PAGES, check, enter, must, open, problems, tab } from "./browser.mjs";

const [url, report] = process.argv.slice(2);
const browser = await open();
try {
  for (const window of [{ width: 1200 }, { width: 400 }, { width: 1200, dark: true }, { width: 400, dark: true }]) {
    const page = await tab(browser, window);
    await enter(page, url);
    const root = page.url().replace(/\/overview$/, "");
    for (const name of PAGES) {
      await page.goto(`${root}/${name}`, { waitUntil: "load" });
      for (const box of await page.locator("details").all()) await box.evaluate((it) => { it.open = true; });
      await check(page, `${name} at ${window.width}${window.dark ? " dark" : ""}`);
    }
    must(page.asked.every((asked) => asked.startsWith(new URL(url).origin) || asked.startsWith("data:")), "a page asked elsewhere");
    await page.context().close();
  }

  // Keys alone lead through the pages.
  const page = await tab(browser);
  await enter(page, url);
  await page.keyboard.press("Tab");
  must((await page.evaluate(() => document.activeElement.textContent)) === "Skip to the content", "the first stop is the way to the content");
  await page.keyboard.press("2");
  await page.waitForURL("**/candidates");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/candidate/*");
  await page.keyboard.press("3");
  await page.waitForURL("**/map");
  await page.locator("table.map tbody td:not(.number)").first().focus();
  const said = () => page.locator("#cell").textContent();
  const before = await said();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  must((await said()) !== before && /prompt .*, row 2 /.test(await said()), `the map says ${await said()}`);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/candidate/*");
  await page.keyboard.press("4");
  await page.waitForURL("**/rows");
  await page.locator("details.row summary").first().focus();
  await page.keyboard.press("Enter");
  const sent = page.locator("details.row[open] a", { hasText: "as it was sent" }).first();
  await sent.click();
  await page.waitForURL("**/request?*");
  must((await page.locator("main").textContent()).includes("has the same hash"), "a request is not what was sent");
  await check(page, "request");

  // Without scripts all pages work.
  const plain = await tab(browser, { script: false });
  await plain.goto(url);
  await plain.getByRole("link", { name: "Candidates" }).click();
  await plain.locator("main tbody th a").first().click();
  must((await plain.locator("h2#who").count()) === 1, "a prompt's page without scripts");

  // The report asks for nothing, and is as accessible.
  for (const window of [{ width: 1200 }, { width: 400, dark: true }]) {
    const file = await tab(browser, window);
    await file.goto(pathToFileURL(report).href);
    must(file.asked.filter((asked) => !asked.startsWith("data:")).length === 1, `the report asks for ${file.asked}`);
    for (const box of await file.locator("details").all()) await box.evaluate((it) => { it.open = true; });
    await check(file, `report at ${window.width}`);
    must((await file.pdf({ format: "A4" })).length > 20_000, "the report is printed");
  }

  // Who has no token sees nothing, whatever the address.
  const stranger = await tab(browser);
  for (const path of ["/", "/?token=0", "/static/view.js", "/run/demo/overview", "/nothing"]) {
    const answer = await stranger.goto(new URL(path, url).href);
    must(answer.status() === 403, `${path} answers ${answer.status()}`);
  }
} finally {
  await browser.close();
}
must(problems.length === 0, problems.join("\n"));
console.log("ok");
