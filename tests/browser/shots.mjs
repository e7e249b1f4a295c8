// node shots.mjs URL FOLDER [RUNS]: a picture of each page for the documentation; RUNS is the address of a server with `--all`.
import { PAGES, enter, open, tab } from "./browser.mjs";

const [url, folder, runs] = process.argv.slice(2);
const browser = await open();
try {
  const shot = async (page, name) => {
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: `${folder}/${name}.png`, fullPage: false });
  };
  const page = await tab(browser, { width: 1100 });
  await enter(page, url);
  const root = page.url().replace(/\/overview$/, "");
  for (const name of PAGES) {
    await page.goto(`${root}/${name}`, { waitUntil: "load" });
    if (name === "rows") await page.locator("details.row summary").first().click();
    await page.mouse.move(0, 0);
    await page.evaluate(() => scrollTo(0, 0));
    await shot(page, name.replace("/best", ""));
  }
  const sent = page.locator("a", { hasText: "as it was sent" }).first();
  await page.goto(`${root}/candidate/best`);
  if (await sent.count()) { await sent.click(); await shot(page, "request"); }
  const dark = await tab(browser, { width: 1100, dark: true });
  await enter(dark, url);
  await shot(dark, "dark");
  const phone = await tab(browser, { width: 400 });
  await enter(phone, url);
  await shot(phone, "phone");
  if (runs) {
    await enter(page, runs);
    await shot(page, "runs");
    for (const box of (await page.locator("input[name=run]").all()).slice(0, 2)) await box.check();
    await page.getByRole("button", { name: "Side by side" }).click();
    await page.waitForURL("**/compare?*");
    await shot(page, "compare");
  }
} finally {
  await browser.close();
}
